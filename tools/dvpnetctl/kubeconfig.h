/* SPDX-License-Identifier: GPL-2.0 */
/* Where the API server is and who we are to it: a kubeconfig file, or a pod's service account. */
#ifndef DVPNETCTL_KUBECONFIG_H
#define DVPNETCTL_KUBECONFIG_H

#include <stdbool.h>

#include "report.h"

/** Where a pod finds its service account. */
#define KUBECONFIG_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

/**
 * struct kubeconfig - the way to an API server
 * @server: its URL, without slash at the end
 * @tls_server_name: name that its certificate must have, or NULL: that of the URL
 * @proxy_url: HTTP or SOCKS5 proxy on the way, or NULL
 * @insecure: its certificate is not checked
 * @ca: PEM of the authorities that its certificate may be from, or NULL: the system's
 * @client_cert: PEM of our certificate, or NULL
 * @client_key: PEM of its key, or NULL
 * @token: our bearer token, or NULL
 * @token_file: where it is read from again, or NULL
 */
struct kubeconfig {
	char *server;
	char *tls_server_name;
	char *proxy_url;
	bool insecure;
	char *ca;
	char *client_cert;
	char *client_key;
	char *token;
	char *token_file;
};

bool kubeconfig_read(struct kubeconfig *config, const char *path, struct report *report);
bool kubeconfig_in_cluster(struct kubeconfig *config, const char *account_dir,
			   struct report *report);
bool kubeconfig_reload_token(struct kubeconfig *config, struct report *report);
void kubeconfig_free(struct kubeconfig *config);

#endif
