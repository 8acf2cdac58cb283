# SPDX-License-Identifier: GPL-2.0
"""Kubernetes objects, as dictionaries, with no more in them than dvpnet reads."""


def node(name, addresses, pod_cidrs, zone=None, annotations=None, external=()):
    """A Node: addresses are its InternalIPs."""
    return {
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "annotations": annotations or {},
                     "labels": {"topology.kubernetes.io/zone": zone} if zone else {}},
        "spec": {"podCIDR": pod_cidrs[0], "podCIDRs": list(pod_cidrs)} if pod_cidrs else {},
        "status": {"addresses": [{"type": "InternalIP", "address": a} for a in addresses] +
                                [{"type": "ExternalIP", "address": a} for a in external] +
                                [{"type": "Hostname", "address": name}]},
    }


def port(number, target=None, name="", protocol="TCP", node_port=None):
    """A port of a Service."""
    result = {"port": number, "protocol": protocol, "targetPort": target or number}
    if name:
        result["name"] = name
    if node_port:
        result["nodePort"] = node_port
    return result


def service(name, ips, ports, namespace="test", **spec):
    """A Service: of type NodePort if one of its ports has a nodePort; spec adds fields."""
    ips = list(ips)
    return {
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "type": "NodePort" if any("nodePort" in p for p in ports) else "ClusterIP",
            "clusterIP": ips[0], "clusterIPs": ips, "ports": list(ports),
            "ipFamilies": ["IPv6" if ":" in ip else "IPv4" for ip in ips],
            "ipFamilyPolicy": "RequireDualStack" if len(ips) > 1 else "SingleStack",
            "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
            **spec,
        },
    }


def endpoint(address, node_name=None, ready=True, serving=None, terminating=False, zones=(),
             nodes=()):
    """An endpoint of an EndpointSlice, with hints for zones and for nodes."""
    result = {
        "addresses": [address],
        "conditions": {"ready": ready, "serving": ready if serving is None else serving,
                       "terminating": terminating},
    }
    if node_name:
        result["nodeName"] = node_name
    hints = {key: [{"name": name} for name in names]
             for key, names in (("forZones", zones), ("forNodes", nodes)) if names}
    if hints:
        result["hints"] = hints
    return result


def endpoint_slice(service_name, endpoints, ports, namespace="test", suffix=""):
    """
    An EndpointSlice: ports are (name, number, protocol), the endpoints' family is that of the first
    one. Endpoints may be plain addresses.
    """
    endpoints = [endpoint(e) if isinstance(e, str) else e for e in endpoints]
    is_v6 = bool(endpoints) and ":" in endpoints[0]["addresses"][0]
    family = "IPv6" if is_v6 else "IPv4"
    return {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": f"{service_name}-{family.lower()}{suffix}", "namespace": namespace,
                     "labels": {"kubernetes.io/service-name": service_name}},
        "addressType": family,
        "ports": [{"name": name, "port": number, "protocol": protocol}
                  for name, number, protocol in ports],
        "endpoints": endpoints,
    }


def module_config(mode="vxlan", **annotations):
    """
    ModuleConfig cni-cilium, for mode vxlan, classic or auto; annotations are those of dvpnet.io,
    with _ for -: module_config(vxlan_port=8472).
    """
    annotations = {f"dvpnet.io/{key.replace('_', '-')}": str(value).lower()
                   for key, value in annotations.items()}
    if mode == "auto":
        annotations["dvpnet.io/mode"] = "auto"
    return {
        "apiVersion": "deckhouse.io/v1alpha1", "kind": "ModuleConfig",
        "metadata": {"name": "cni-cilium", "annotations": annotations},
        "spec": {"enabled": True, "version": 1,
                 "settings": {"tunnelMode": "Disabled" if mode == "classic" else "VXLAN"}},
    }


def service_cidr(*cidrs, name="kubernetes"):
    """A ServiceCIDR: where the addresses of Services come from."""
    return {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR",
            "metadata": {"name": name}, "spec": {"cidrs": list(cidrs)}}


def kube_system():
    """The Namespace whose UID is the cluster's secret."""
    return {
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": "kube-system", "uid": "6d1f2a57-08a5-4e0f-9d43-7c1b6f0a9e25"},
    }
