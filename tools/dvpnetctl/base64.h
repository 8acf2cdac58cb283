/* SPDX-License-Identifier: GPL-2.0 */
/* Base64, as Secrets and kubeconfigs have it (RFC 4648). */
#ifndef DVPNETCTL_BASE64_H
#define DVPNETCTL_BASE64_H

char *base64_decode(const char *text);

#endif
