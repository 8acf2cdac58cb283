// SPDX-License-Identifier: GPL-2.0
/* kubeconfig.c: what kubectl would read, and nothing secret in a message. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kubeconfig.h"

static char directory[] = "/tmp/test_kubeconfig.XXXXXX";
static struct kubeconfig config;
static struct report report;

#define HEAD "apiVersion: v1\nkind: Config\ncurrent-context: here\n"				\
	"contexts:\n- name: other\n  context: {cluster: o, user: o}\n"			\
	"- name: here\n  context: {cluster: c, user: u}\n"
#define API_CLUSTER "clusters:\n- name: c\n  cluster: {server: \"https://api:6443\"}\n"
#define USERS "users:\n- name: u\n  user: "

static char *path_of(const char *name)
{
	return util_printf("%s/%s", directory, name);
}

static void write_file(const char *name, const char *text)
{
	char *path = path_of(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	free(path);
}

static bool read_config(const char *text)
{
	char *path = path_of("config");
	bool valid;

	kubeconfig_free(&config);
	report_free(&report);
	write_file("config", text);
	valid = kubeconfig_read(&config, path, &report);
	free(path);
	return valid;
}

static void assert_reads(const char *text)
{
	if (!read_config(text))
		fail_msg("unexpected: %s", report.errors.item[0]);
	assert_int_equal(report.errors.count, 0);
}

static void assert_refuses(const char *text, const char *expected)
{
	char *whole = util_printf("%s/config%s", directory, expected);

	assert_false(read_config(text));
	assert_string_equal(report.errors.item[0], whole);
	free(whole);
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	char *command = util_printf("rm -rf %s", directory);
	int status = system(command);

	(void)state;
	free(command);
	kubeconfig_free(&config);
	report_free(&report);
	return status;
}

static void reads_the_current_context(void **state)
{
	(void)state;
	assert_reads(HEAD "clusters:\n"
		     "- {name: o, cluster: {server: \"https://other\"}}\n"
		     "- {name: c, cluster: {server: \"https://api:6443/k8s/\", "
		     "tls-server-name: kubernetes, proxy-url: \"socks5://p:1\"}}\n"
		     USERS "{token: abc}\n");
	assert_string_equal(config.server, "https://api:6443/k8s");
	assert_string_equal(config.tls_server_name, "kubernetes");
	assert_string_equal(config.proxy_url, "socks5://p:1");
	assert_string_equal(config.token, "abc");
	assert_null(config.ca);
	assert_false(config.insecure);
}

static void reads_json(void **state)
{
	(void)state;
	assert_reads("{\"current-context\": \"x\", \"contexts\": [{\"name\": \"x\", \"context\": "
		     "{\"cluster\": \"c\"}}], \"clusters\": [{\"name\": \"c\", \"cluster\": "
		     "{\"server\": \"http://10.0.0.1\", \"insecure-skip-tls-verify\": true}}]}");
	assert_string_equal(config.server, "http://10.0.0.1");
	assert_true(config.insecure);
	assert_null(config.token);
}

static void takes_data_before_files(void **state)
{
	(void)state;
	write_file("ca.pem", "-----BEGIN file\n");
	/* "-----BEGIN a", "-----BEGIN ab" and "-----BEGIN abc": all ways to end base64. */
	assert_reads(HEAD "clusters:\n- name: c\n  cluster:\n    server: https://api\n"
		     "    certificate-authority: nowhere.pem\n"
		     "    certificate-authority-data: LS0tLS1CRUdJTiBh\n"
		     USERS "{client-certificate-data: LS0tLS1CRUdJTiBhYg==, "
		     "client-key-data: LS0tLS1CRUdJTiBhYmM=}\n");
	assert_string_equal(config.ca, "-----BEGIN a");
	assert_string_equal(config.client_cert, "-----BEGIN ab");
	assert_string_equal(config.client_key, "-----BEGIN abc");
}

static void finds_files_beside_itself(void **state)
{
	(void)state;
	write_file("ca.pem", "-----BEGIN file\n");
	write_file("token", "secret\n");
	assert_reads(HEAD "clusters:\n- name: c\n  cluster:\n    server: https://api\n"
		     "    certificate-authority: ca.pem\n" USERS "{tokenFile: token}\n");
	assert_string_equal(config.ca, "-----BEGIN file\n");
	assert_string_equal(config.token, "secret");
}

static void reads_a_renewed_token(void **state)
{
	(void)state;
	write_file("token", "one\n");
	assert_reads(HEAD API_CLUSTER USERS "{token: old, tokenFile: token}\n");
	assert_string_equal(config.token, "one");
	write_file("token", "two");
	assert_true(kubeconfig_reload_token(&config, &report));
	assert_string_equal(config.token, "two");
	write_file("token", "\n");
	assert_false(kubeconfig_reload_token(&config, &report));
	assert_string_equal(config.token, "two");
}

static void refuses_what_is_missing(void **state)
{
	char *expected;

	(void)state;
	assert_refuses("kind: Config\n",
		       ":1: kubeconfig: current-context: must name one of the contexts, is missing");
	assert_refuses("current-context: x\n",
		       ":1: kubeconfig: current-context: must name one of the contexts, there is "
		       "no \"x\"");
	assert_refuses(HEAD USERS "{}\n", ":8: kubeconfig here: there is no cluster \"c\"");
	assert_refuses(HEAD API_CLUSTER, ":8: kubeconfig here: there is no user \"u\"");
	assert_refuses(HEAD "clusters: [{name: c, cluster: {server: \"api:6443\"}}]\n" USERS "{}\n",
		       ":9: kubeconfig here: clusters[0].cluster.server: must be the URL of an API server, like "
		       "https://10.0.0.1:6443, is \"api:6443\"");
	expected = util_printf(":14: kubeconfig here: client-key: %s/nowhere.pem: %s", directory,
			       strerror(ENOENT));
	assert_refuses(HEAD API_CLUSTER USERS "{client-key: nowhere.pem}\n", expected);
	free(expected);
	assert_refuses(HEAD API_CLUSTER USERS "{client-key-data: LS0tLS1CRUdJTiBh}\n",
		       ":14: kubeconfig here: client-certificate: certificate and key must be "
		       "there both, or none");
}

static void refuses_other_logins(void **state)
{
	(void)state;
	assert_refuses(HEAD API_CLUSTER USERS "{exec: {command: aws}}\n",
		       ":14: kubeconfig here: exec: login by a program is not supported: an agent "
		       "needs a client certificate, a token or a tokenFile");
	assert_refuses(HEAD API_CLUSTER USERS "{auth-provider: {name: oidc}}\n",
		       ":14: kubeconfig here: auth-provider: login by a provider's plugin is not "
		       "supported: an agent needs a client certificate, a token or a tokenFile");
}

static void keeps_secrets(void **state)
{
	(void)state;
	assert_refuses(HEAD API_CLUSTER USERS "{token: 31337}\n",
		       ":14: kubeconfig here: token: must be a text; put it in quotes if it looks "
		       "like a number");
	assert_refuses(HEAD API_CLUSTER USERS "{client-key-data: \"31337!\", client-certificate-data: "
		       "LS0tLS1CRUdJTiBh}\n",
		       ":14: kubeconfig here: client-key-data: must be a PEM file in base64");
	assert_refuses(HEAD "clusters: [{name: c, cluster: {server: \"https://me:31337@api\"}}]\n"
		       USERS "{}\n",
		       ":9: kubeconfig here: server: must have no user or password in it");
}

static void knows_the_inside_of_a_cluster(void **state)
{
	(void)state;
	kubeconfig_free(&config);
	report_free(&report);
	unsetenv("KUBERNETES_SERVICE_HOST");
	assert_false(kubeconfig_in_cluster(&config, directory, &report));
	report_free(&report);
	setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	write_file("ca.crt", "-----BEGIN ca\n");
	write_file("token", "inside");
	assert_true(kubeconfig_in_cluster(&config, directory, &report));
	assert_string_equal(config.server, "https://[fd00::1]:443");
	assert_string_equal(config.ca, "-----BEGIN ca\n");
	assert_string_equal(config.token, "inside");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_current_context),
		cmocka_unit_test(reads_json),
		cmocka_unit_test(takes_data_before_files),
		cmocka_unit_test(finds_files_beside_itself),
		cmocka_unit_test(reads_a_renewed_token),
		cmocka_unit_test(refuses_what_is_missing),
		cmocka_unit_test(refuses_other_logins),
		cmocka_unit_test(keeps_secrets),
		cmocka_unit_test(knows_the_inside_of_a_cluster),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
