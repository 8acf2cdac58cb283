# SPDX-License-Identifier: GPL-2.0
"""What is configured, to be compared."""

from .genl import ATTR, CMD, Genl, parse, text_of

_COUNTS = {ATTR["CONFIG"]["GENERATION"], ATTR["CONFIG"]["FLOWS"]}
_SERVICE, _BACKEND = ATTR["SERVICE"], ATTR["BACKEND"]


def state(ns):
    """
    All that is configured in a namespace, but for the generation and for what counts flows.
    services has lists of attributes by name and family, those of backends as nested lists.
    """
    with Genl(ns) as genl:
        services = {}
        for message in genl.dump(CMD["SERVICE_GET"]):
            key = text_of(message.get(_SERVICE["NAME"])), message.get(_SERVICE["FAMILY"])[0]
            services.setdefault(key, []).extend(
                (kind, [a for a in parse(data) if a[0] != _BACKEND["FLOWS"]]
                 if kind == _SERVICE["BACKEND"] else data)
                for kind, data in message.attributes if kind != _SERVICE["MORE"])
        config = genl.request(CMD["CONFIG_GET"])[0].attributes
        return {
            "config": [attribute for attribute in config if attribute[0] not in _COUNTS],
            "nodes": sorted(m.attributes for m in genl.dump(CMD["NODE_GET"])),
            "prefixes": sorted(m.attributes for m in genl.dump(CMD["PREFIX_GET"])),
            "services": services,
        }


def generation(ns):
    """The generation of a namespace's configuration."""
    with Genl(ns) as genl:
        return genl.generation()


def backends(ns, namespace):
    """Backends' packed addresses, sorted, of each service of a Kubernetes namespace."""
    return {name: sorted(dict(data)[_BACKEND["ADDR"]] for kind, data in attributes
                         if kind == _SERVICE["BACKEND"])
            for (name, _), attributes in state(ns)["services"].items()
            if name.startswith(f"{namespace}/")}
