// SPDX-License-Identifier: GPL-2.0
/*
 * dvpnetctl-agent, which "dvpnetctl agent" becomes: makes this network namespace a node
 * of a cluster, from its API server.
 *
 * A program of its own: what talks TLS is not in the process of those who ask for counters.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent.h"
#include "cmd.h"
#include "cni.h"
#include "log.h"
#include "override.h"

static const char usage[] =
	"Usage: dvpnetctl agent --node-name NAME [--kubeconfig FILE] [OPTIONS]\n"
	"Makes this network namespace the node NAME of a cluster, and follows the cluster's\n"
	"API server: what changes there is changed in the kernel. While the API server is\n"
	"away, and after the agent has ended, the kernel goes on with what it has.\n"
	"\n"
	"  --node-name NAME       which Node this is\n"
	"  --kubeconfig FILE      where the API server is, and who we are to it; without, what\n"
	"                         a pod of the cluster finds around itself\n"
	OVERRIDE_USAGE
	"  --sync-period MS       most milliseconds until all is compared with what the kernel\n"
	"                         really has (300000)\n"
	"  --min-sync-period MS   least milliseconds between two changes of the kernel (100)\n"
	"  --healthz-bind-address ADDRESS[:PORT]\n"
	"                         where probes find /healthz and /livez (0.0.0.0:10256, that is\n"
	"                         all addresses of both families); \"\" = nowhere\n"
	"  --metrics-bind-address ADDRESS[:PORT]\n"
	"                         where Prometheus finds /metrics (127.0.0.1:10249); \"\" = nowhere\n"
	"  --cni-conf-dir DIR     where to write " CNI_CONF_NAME " (" CNI_CONF_DIR ");\n"
	"                         \"\" = nowhere\n"
	"  --once                 end when the kernel has all\n"
	"  --dry-run              change nothing, print, as JSON, what would change, a line each;\n"
	"                         with --once what ought to be as well, as apply does; listens\n"
	"                         just where --...-bind-address says so\n"
	"  --verbose              log each step\n"
	"  -q, --quiet            log only what is wrong\n"
	"  -h, --help             print this\n"
	"\n"
	"SIGHUP reads the kubeconfig again and compares all with the kernel; SIGTERM ends it.\n";

/* One option; false if its argument is wrong. */
static bool read_option(int option, const char *text, struct agent_options *options)
{
	unsigned long number;

	switch (option) {
	case 'n':
		options->desired.node = text;
		return *text;
	case 'k':
		options->kubeconfig = text;
		return *text;
	case 's':
		if (!cmd_number(text, 0, 60000, &number))
			return false;
		options->min_sync_ms = number;
		return true;
	case 'S':
		if (!cmd_number(text, 100, 86400000, &number))
			return false;
		options->sync_ms = number;
		return true;
	case 'H':
		return serving_parse(text, SERVING_HEALTHZ_PORT, &options->serving.healthz);
	case 'M':
		return serving_parse(text, SERVING_METRICS_PORT, &options->serving.metrics);
	case 'C':
		options->cni_dir = text;
		return true;
	case 'o':
		options->once = true;
		return true;
	case 'd':
		options->dry_run = true;
		return true;
	case 'V':
		log_init(LEVEL_DEBUG);
		return true;
	case 'q':
		log_init(LEVEL_WARNING);
		return true;
	default:
		return override_read(option, text, &options->desired.config);
	}
}

/* As cmd_options(). */
static bool read_options(int argc, char **argv, struct agent_options *options, int *status)
{
	static const struct option words[] = {
		{ "node-name", required_argument, NULL, 'n' },
		{ "kubeconfig", required_argument, NULL, 'k' },
		OVERRIDE_OPTIONS,
		{ "sync-period", required_argument, NULL, 'S' },
		{ "min-sync-period", required_argument, NULL, 's' },
		{ "healthz-bind-address", required_argument, NULL, 'H' },
		{ "metrics-bind-address", required_argument, NULL, 'M' },
		{ "cni-conf-dir", required_argument, NULL, 'C' },
		{ "once", no_argument, NULL, 'o' },
		{ "dry-run", no_argument, NULL, 'd' },
		{ "verbose", no_argument, NULL, 'V' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option, index = 0;

	*status = EXIT_FAILURE;
	optind = 0;
	while ((option = getopt_long(argc, argv, "qh", words, &index)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			*status = EXIT_SUCCESS;
			return false;
		}
		if (option == '?') {
			fputs("See dvpnetctl agent --help\n", stderr);
			return false;
		}
		if (!read_option(option, optarg, options)) {
			cmd_error("agent: --%s: \"%s\" is not valid: see --help",
				  words[index].name, optarg);
			return false;
		}
	}
	if (argv[optind]) {
		cmd_error("agent: unknown word \"%s\": see --help", argv[optind]);
		return false;
	}
	if (!options->desired.node) {
		cmd_error("agent: --node-name NAME is missing: see --help");
		return false;
	}
	return true;
}

/* As kube-proxy has it. */
static const struct serving_options default_serving = {
	.healthz = { .is_on = true, .is_default = true, .port = SERVING_HEALTHZ_PORT },
	.metrics = {
		.is_on = true, .is_default = true, .port = SERVING_METRICS_PORT,
		.addr = { .family = AF_INET, .bytes = { 127, 0, 0, 1 } },
	},
};

/* A dry run beside the agent must not be in its way. */
static void limit_serving(struct serving_options *serving)
{
	serving->healthz.is_on &= !serving->healthz.is_default;
	serving->metrics.is_on &= !serving->metrics.is_default;
	serving->no_node_ports = !serving->healthz.is_on;
}

int main(int argc, char **argv)
{
	struct agent_options options = {
		.min_sync_ms = 100, .sync_ms = 300000, .cni_dir = CNI_CONF_DIR, .serving = default_serving,
	};
	int status;

	log_init(LEVEL_INFO);
	if (!read_options(argc, argv, &options, &status))
		return status;
	if (options.dry_run)
		limit_serving(&options.serving);
	return agent_run(&options);
}
