// SPDX-License-Identifier: GPL-2.0
/* Requests about services. */
#include <linux/in.h>
#include <linux/rtnetlink.h>

#include "netlink.h"
#include "netns.h"
#include "service.h"
#include "sync.h"

/* Room for one frontend in a message. */
#define NETLINK_FRONTEND_SIZE						\
	(nla_total_size(0) + nla_total_size(sizeof(u32)) +		\
	 nla_total_size(sizeof(struct in6_addr)) + nla_total_size(sizeof(u16)))

static int netlink_fill_frontends(struct sk_buff *skb, const struct dvp_service *service)
{
	const struct dvp_frontend *frontend;

	list_for_each_entry(frontend, &service->frontends, list) {
		struct nlattr *nest = nla_nest_start(skb, DVPNET_A_SERVICE_FRONTEND);

		if (!nest ||
		    nla_put_u32(skb, DVPNET_A_FRONTEND_TYPE, frontend->type) ||
		    (frontend->type != DVPNET_FRONTEND_TYPE_NODE_PORT &&
		     dvp_netlink_put_addr(skb, DVPNET_A_FRONTEND_ADDR,
					  &frontend->key.addr)) ||
		    nla_put_u16(skb, DVPNET_A_FRONTEND_PORT, ntohs(frontend->key.port)))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

static int netlink_fill_backend(struct sk_buff *skb,
				const struct dvp_service_member *member)
{
	const struct dvp_backend *backend = member->backend;
	struct nlattr *nest;

	nest = nla_nest_start(skb, DVPNET_A_SERVICE_BACKEND);
	if (!nest)
		return -EMSGSIZE;
	if (dvp_netlink_put_addr(skb, DVPNET_A_BACKEND_ADDR, &backend->addr) ||
	    nla_put_u16(skb, DVPNET_A_BACKEND_PORT, ntohs(backend->port)) ||
	    nla_put_u32(skb, DVPNET_A_BACKEND_FLAGS, member->flags) ||
	    nla_put_u32(skb, DVPNET_A_BACKEND_FLOWS, dvp_backend_flows(backend)) ||
	    nla_put_u32(skb, DVPNET_A_BACKEND_WEIGHT, member->weight)) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

/* What may need several messages: source ranges, then backends. */
static u32 netlink_service_items(const struct dvp_service_spec *spec)
{
	return spec->sources + spec->count;
}

static int netlink_fill_item(struct sk_buff *skb, const struct dvp_service_spec *spec,
			     u32 item)
{
	if (item < spec->sources)
		return dvp_netlink_put_range(skb, DVPNET_A_SERVICE_SOURCE, false,
					     &spec->source[item]);
	return netlink_fill_backend(skb, &spec->member[item - spec->sources]);
}

static int netlink_fill_rules(struct sk_buff *skb, const struct dvp_service_rules *rules)
{
	if (nla_put_u32(skb, DVPNET_A_SERVICE_FLAGS, rules->flags) ||
	    nla_put_u32(skb, DVPNET_A_SERVICE_AFFINITY, rules->affinity) ||
	    nla_put_u32(skb, DVPNET_A_SERVICE_ALGORITHM, rules->algorithm) ||
	    nla_put_u32(skb, DVPNET_A_SERVICE_CLUSTER_WHY, rules->cluster_why) ||
	    nla_put_u32(skb, DVPNET_A_SERVICE_LOCAL_WHY, rules->local_why))
		return -EMSGSIZE;
	return 0;
}

/*
 * As much of a service as fits, from item *@next on; *@next is set to the
 * first that did not fit, or to the number of items. The mark that more
 * follows is reserved room for.
 */
static int netlink_fill_service(struct sk_buff *skb, struct dvp_net *dn,
				const struct dvp_service *service, u32 *next)
{
	const struct dvp_service_spec *spec;
	u32 first = *next, items;

	spec = rcu_dereference_protected(service->spec, lockdep_is_held(&dn->lock));
	items = netlink_service_items(spec);
	if (nla_put_string(skb, DVPNET_A_SERVICE_NAME, service->name) ||
	    nla_put_u8(skb, DVPNET_A_SERVICE_FAMILY, service->family) ||
	    nla_put_u8(skb, DVPNET_A_SERVICE_PROTO, service->proto) ||
	    netlink_fill_rules(skb, &spec->rules))
		return -EMSGSIZE;
	if (!first && netlink_fill_frontends(skb, service))
		return -EMSGSIZE;
	while (*next < items) {
		if (skb_tailroom(skb) < (int)nla_total_size(0) + 128)
			break;
		if (netlink_fill_item(skb, spec, *next))
			break;
		(*next)++;
	}
	if (*next >= items)
		return 0;
	return *next == first ? -EMSGSIZE : nla_put_flag(skb, DVPNET_A_SERVICE_MORE);
}

/**
 * dvp_netlink_notify_service - tell listeners of a service, by its name
 * @dn: whose
 * @service: the service
 * @cmd: DVPNET_CMD_SERVICE_NTF or DVPNET_CMD_SERVICE_DEL_NTF
 *
 * Context: &dvp_net.lock.
 */
void dvp_netlink_notify_service(struct dvp_net *dn, struct dvp_service *service, int cmd)
{
	struct sk_buff *msg;
	void *header;
	int err;

	if (!dvp_netlink_has_listeners(dn))
		return;
	msg = dvp_netlink_event(cmd, &header);
	if (!msg)
		return;
	err = nla_put_string(msg, DVPNET_A_SERVICE_NAME, service->name) ?:
	      nla_put_u8(msg, DVPNET_A_SERVICE_FAMILY, service->family) ?:
	      nla_put_u8(msg, DVPNET_A_SERVICE_PROTO, service->proto);
	dvp_netlink_publish(dn, msg, header, err);
}

static int netlink_too_large(struct netlink_ext_ack *extack, int err)
{
	if (err == -EMSGSIZE)
		NL_SET_ERR_MSG_MOD(extack, "service is too large for a message");
	return err;
}

static struct dvp_service *netlink_find_service(struct dvp_net *dn,
						struct genl_info *info)
{
	struct dvp_service *service;

	service = dvp_service_by_name(dn, nla_data(info->attrs[DVPNET_A_SERVICE_NAME]),
				      nla_get_u8(info->attrs[DVPNET_A_SERVICE_FAMILY]));
	if (!service)
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[DVPNET_A_SERVICE_NAME],
				    "no such service");
	return service;
}

int dvpnet_nl_service_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dvp_service *service;
	struct sk_buff *msg;
	struct dvp_net *dn;
	void *header;
	u32 next = 0;
	int err;

	if (dvp_netlink_missing(info, DVPNET_A_SERVICE_NAME) ||
	    dvp_netlink_missing(info, DVPNET_A_SERVICE_FAMILY))
		return -EINVAL;
	dn = dvp_netlink_read(info);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	service = netlink_find_service(dn, info);
	if (!service) {
		dvp_netlink_end(dn);
		return -ENOENT;
	}
	msg = dvp_netlink_reply(info, DVPNET_CMD_SERVICE_GET,
				DVPNET_FRONTENDS_MAX * NETLINK_FRONTEND_SIZE, &header);
	err = msg ? netlink_fill_service(msg, dn, service, &next) : -ENOMEM;
	dvp_netlink_end(dn);
	return dvp_netlink_answer(info, msg, header, netlink_too_large(info->extack, err));
}

int dvpnet_nl_service_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dvp_service *service;
	struct dvp_net *dn;
	unsigned long id;
	int err = 0;

	dn = dvp_netlink_dump(cb);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	/* args[0]: id of the service to go on with, args[1]: its item */
	xa_for_each_start(&dn->services, id, service, cb->args[0]) {
		u32 next = id == cb->args[0] ? cb->args[1] : 0;
		u32 items = netlink_service_items(rcu_dereference_protected(service->spec, true));
		void *header;

		header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				     &dvp_netlink_family, NLM_F_MULTI,
				     DVPNET_CMD_SERVICE_GET);
		if (!header)
			break;
		err = netlink_fill_service(skb, dn, service, &next);
		if (err) {
			genlmsg_cancel(skb, header);
			break;
		}
		genl_dump_check_consistent(cb, header);
		genlmsg_end(skb, header);
		cb->args[0] = next < items ? id : id + 1;
		cb->args[1] = next < items ? next : 0;
		if (next < items)
			break;
	}
	dvp_netlink_end(dn);
	/* An empty message would be the end, and pass over a service too large for one. */
	return skb->len ?: netlink_too_large(cb->extack, err);
}

/* ---- changes ---- */

static int netlink_check_family(const struct nlattr *attr, const struct in6_addr *addr,
				const struct dvp_service_draft *draft,
				struct netlink_ext_ack *extack)
{
	if (draft->family == (ipv6_addr_v4mapped(addr) ? AF_INET : AF_INET6))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "address is not of the service's family");
	return -EINVAL;
}

static bool netlink_is_any(const struct in6_addr *addr)
{
	return ipv6_addr_v4mapped(addr) ? !addr->s6_addr32[3] : ipv6_addr_any(addr);
}

static int netlink_parse_frontend(struct dvp_service_draft *draft,
				  const struct nlattr *attr,
				  struct netlink_ext_ack *extack)
{
	struct nlattr *tb[DVPNET_A_FRONTEND_MAX + 1];
	struct in6_addr addr = {};
	u32 type;
	int err;

	err = nla_parse_nested(tb, DVPNET_A_FRONTEND_MAX, attr,
			       dvpnet_frontend_nl_policy, extack);
	if (err)
		return err;
	if (!tb[DVPNET_A_FRONTEND_TYPE] || !tb[DVPNET_A_FRONTEND_PORT]) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "a frontend needs type and port");
		return -EINVAL;
	}
	type = nla_get_u32(tb[DVPNET_A_FRONTEND_TYPE]);
	if (!tb[DVPNET_A_FRONTEND_ADDR] != (type == DVPNET_FRONTEND_TYPE_NODE_PORT)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "a frontend has an address unless it is a NodePort");
		return -EINVAL;
	}
	if (tb[DVPNET_A_FRONTEND_ADDR]) {
		err = dvp_netlink_get_addr(tb[DVPNET_A_FRONTEND_ADDR], &addr, extack) ?:
		      netlink_check_family(tb[DVPNET_A_FRONTEND_ADDR], &addr, draft, extack);
		if (err)
			return err;
		/* In the table that would be all addresses of this node. */
		if (netlink_is_any(&addr)) {
			NL_SET_ERR_MSG_ATTR(extack, tb[DVPNET_A_FRONTEND_ADDR],
					    "a frontend's address is not unspecified");
			return -EINVAL;
		}
	}
	err = dvp_service_draft_frontend(draft, type, &addr,
					 htons(nla_get_u16(tb[DVPNET_A_FRONTEND_PORT])));
	if (err == -EEXIST)
		NL_SET_ERR_MSG_ATTR(extack, attr, "frontend stands here twice");
	else if (err == -E2BIG)
		NL_SET_ERR_MSG_FMT_MOD(extack, "more than %u frontends", DVPNET_FRONTENDS_MAX);
	return err;
}

static int netlink_parse_backend(struct dvp_service_draft *draft,
				 const struct nlattr *attr,
				 struct netlink_ext_ack *extack)
{
	struct nlattr *tb[DVPNET_A_BACKEND_MAX + 1];
	u32 flags = 0, weight = 1;
	struct in6_addr addr;
	int err;

	err = nla_parse_nested(tb, DVPNET_A_BACKEND_MAX, attr,
			       dvpnet_backend_nl_policy, extack);
	if (err)
		return err;
	if (!tb[DVPNET_A_BACKEND_ADDR] || !tb[DVPNET_A_BACKEND_PORT]) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "a backend needs address and port");
		return -EINVAL;
	}
	err = dvp_netlink_get_addr(tb[DVPNET_A_BACKEND_ADDR], &addr, extack) ?:
	      netlink_check_family(tb[DVPNET_A_BACKEND_ADDR], &addr, draft, extack);
	if (err)
		return err;
	if (tb[DVPNET_A_BACKEND_FLAGS])
		flags = nla_get_u32(tb[DVPNET_A_BACKEND_FLAGS]);
	if (tb[DVPNET_A_BACKEND_WEIGHT])
		weight = nla_get_u32(tb[DVPNET_A_BACKEND_WEIGHT]);
	return dvp_service_draft_backend(draft, &addr,
					 htons(nla_get_u16(tb[DVPNET_A_BACKEND_PORT])),
					 flags, weight);
}

static int netlink_parse_source(struct dvp_service_draft *draft,
				const struct nlattr *attr,
				struct netlink_ext_ack *extack)
{
	struct dvp_range range;
	int err;

	err = dvp_netlink_get_range(attr, false, &range, extack) ?:
	      netlink_check_family(attr, &range.addr, draft, extack) ?:
	      dvp_service_draft_source(draft, &range);
	if (err == -E2BIG)
		NL_SET_ERR_MSG_FMT_MOD(extack, "more than %u source ranges", DVPNET_RANGES_MAX);
	return err;
}

static int netlink_parse_service(struct dvp_service_draft *draft, struct genl_info *info)
{
	const struct nlattr *attr;
	int err, left;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, left) {
		err = 0;
		if (nla_type(attr) == DVPNET_A_SERVICE_FRONTEND)
			err = netlink_parse_frontend(draft, attr, info->extack);
		else if (nla_type(attr) == DVPNET_A_SERVICE_BACKEND)
			err = netlink_parse_backend(draft, attr, info->extack);
		else if (nla_type(attr) == DVPNET_A_SERVICE_SOURCE)
			err = netlink_parse_source(draft, attr, info->extack);
		if (err)
			return err;
	}
	return 0;
}

static int netlink_begin_draft(struct dvp_service_draft **draft, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	struct dvp_service_rules rules = {};
	u8 family, proto;

	if (dvp_netlink_missing(info, DVPNET_A_SERVICE_PROTO))
		return -EINVAL;
	family = nla_get_u8(attrs[DVPNET_A_SERVICE_FAMILY]);
	proto = nla_get_u8(attrs[DVPNET_A_SERVICE_PROTO]);
	if (family != AF_INET && family != AF_INET6) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[DVPNET_A_SERVICE_FAMILY],
				    "family is neither AF_INET nor AF_INET6");
		return -EINVAL;
	}
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP && proto != IPPROTO_SCTP) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[DVPNET_A_SERVICE_PROTO],
				    "protocol is neither TCP nor UDP nor SCTP");
		return -EINVAL;
	}
	if (!*(char *)nla_data(attrs[DVPNET_A_SERVICE_NAME])) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[DVPNET_A_SERVICE_NAME],
				    "name is empty");
		return -EINVAL;
	}
	dvp_netlink_get_u32(info, DVPNET_A_SERVICE_FLAGS, &rules.flags);
	dvp_netlink_get_u32(info, DVPNET_A_SERVICE_AFFINITY, &rules.affinity);
	dvp_netlink_get_u32(info, DVPNET_A_SERVICE_ALGORITHM, &rules.algorithm);
	dvp_netlink_get_u32(info, DVPNET_A_SERVICE_CLUSTER_WHY, &rules.cluster_why);
	dvp_netlink_get_u32(info, DVPNET_A_SERVICE_LOCAL_WHY, &rules.local_why);
	return dvp_service_draft_begin(draft, nla_data(attrs[DVPNET_A_SERVICE_NAME]),
				       family, proto, &rules);
}

/* The draft that this message goes on with, taken from the sync, or a new one. */
static int netlink_take_draft(struct dvp_net *dn, struct genl_info *info,
			      struct dvp_service_draft **draft)
{
	const char *name = nla_data(info->attrs[DVPNET_A_SERVICE_NAME]);
	u8 family = nla_get_u8(info->attrs[DVPNET_A_SERVICE_FAMILY]);

	if (!dn->sync.draft)
		return netlink_begin_draft(draft, info);
	if (dn->sync.draft_portid != info->snd_portid ||
	    dn->sync.draft->family != family || strcmp(dn->sync.draft->name, name)) {
		NL_SET_ERR_MSG_FMT_MOD(info->extack, "the rest of service %.50s is missing",
				       dn->sync.draft->name);
		return -EBUSY;
	}
	*draft = dn->sync.draft;
	dn->sync.draft = NULL;
	dn->sync.draft_portid = 0;
	return 0;
}

static int netlink_set_service(struct dvp_net *dn, struct genl_info *info)
{
	struct dvp_service_draft *draft;
	struct dvp_service *service;
	int err;

	err = netlink_take_draft(dn, info, &draft);
	if (err)
		return err;
	err = netlink_parse_service(draft, info);
	if (!err && info->attrs[DVPNET_A_SERVICE_MORE]) {
		dn->sync.draft = draft;
		dn->sync.draft_portid = info->snd_portid;
		return 0;
	}
	if (!err)
		err = dvp_service_set(dn, draft, &service, info->extack);
	dvp_service_draft_free(draft);
	if (err > 0) {
		dvp_sync_changed(dn);
		dvp_netlink_notify_service(dn, service, DVPNET_CMD_SERVICE_NTF);
		err = 0;
	}
	return err;
}

int dvpnet_nl_service_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dvp_net *dn;
	int err;

	if (dvp_netlink_missing(info, DVPNET_A_SERVICE_NAME) ||
	    dvp_netlink_missing(info, DVPNET_A_SERVICE_FAMILY))
		return -EINVAL;
	dn = dvp_netlink_write(info);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	err = netlink_set_service(dn, info);
	dvp_netlink_end(dn);
	return err;
}

int dvpnet_nl_service_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct dvp_service *service;
	struct dvp_net *dn;
	int err = 0;

	if (dvp_netlink_missing(info, DVPNET_A_SERVICE_NAME) ||
	    dvp_netlink_missing(info, DVPNET_A_SERVICE_FAMILY))
		return -EINVAL;
	dn = dvp_netlink_write(info);
	if (IS_ERR(dn))
		return PTR_ERR(dn);
	service = netlink_find_service(dn, info);
	if (service) {
		dvp_netlink_notify_service(dn, service, DVPNET_CMD_SERVICE_DEL_NTF);
		dvp_service_del(dn, service);
		dvp_sync_changed(dn);
	} else {
		err = -ENOENT;
	}
	dvp_netlink_end(dn);
	return err;
}
