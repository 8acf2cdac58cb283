/* SPDX-License-Identifier: GPL-2.0 */
/* nftables, by libnftables: transactions and listings. */
#ifndef DVPNETCTL_NFT_H
#define DVPNETCTL_NFT_H

#include <jansson.h>
#include <stdbool.h>

struct nft_ctx;

/**
 * struct nft - nftables of the current network namespace
 * @ctx: libnftables'
 */
struct nft {
	struct nft_ctx *ctx;
};

bool nft_is_there(void);
void nft_open(struct nft *nft);
void nft_close(struct nft *nft);
int nft_run(struct nft *nft, const char *commands);
const char *nft_error(struct nft *nft);
const char *nft_text(struct nft *nft, const char *command, bool with_handles);
json_t *nft_json(struct nft *nft, const char *command);

#endif
