/* SPDX-License-Identifier: GPL-2.0 */
/* Settings on the command line that override those of the cluster. */
#ifndef DVPNETCTL_OVERRIDE_H
#define DVPNETCTL_OVERRIDE_H

#include <getopt.h>

#include "config.h"

/** Values of &struct option.val that override_read() knows. */
#define OVERRIDE_OPTIONS						\
	{ "mode", required_argument, NULL, 'm' },			\
	{ "port", required_argument, NULL, 'p' },			\
	{ "vni", required_argument, NULL, 'v' },			\
	{ "udp-csum", required_argument, NULL, 'c' },			\
	{ "trust-underlay", required_argument, NULL, 't' },		\
	{ "nodeport-range", required_argument, NULL, 'r' },		\
	{ "vip-echo", required_argument, NULL, 'e' },			\
	{ "reset-removed", required_argument, NULL, 'x' }

#define OVERRIDE_USAGE							\
	"  --mode MODE            vxlan, classic or auto, whatever the objects say\n"	\
	"  --port PORT            VXLAN UDP port (4298)\n"		\
	"  --vni VNI              VXLAN network identifier (1)\n"	\
	"  --udp-csum yes|no      checksum of the outer UDP header over IPv4 (no)\n"	\
	"  --trust-underlay yes|no\n"					\
	"                         routers of the underlay carry pod addresses (no)\n"	\
	"  --nodeport-range A-B   range reserved for NodePorts (30000-32767)\n"	\
	"  --vip-echo yes|no      answer pings to Services' addresses that nobody has (no)\n"	\
	"  --reset-removed yes|no reset TCP connections to removed endpoints (no)\n"

bool override_read(int option, const char *text, struct config *config);

#endif
