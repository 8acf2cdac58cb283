// SPDX-License-Identifier: GPL-2.0
/* nftables, by libnftables: transactions and listings. */
#include <errno.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "nft.h"
#include "util.h"

/* Do the modules that this kernel has built in include nf_tables? */
static bool is_built_in(void)
{
	struct utsname name;
	bool found = false;
	char line[512];
	FILE *file;
	char *path;

	uname(&name);
	path = util_printf("/lib/modules/%s/modules.builtin", name.release);
	file = fopen(path, "re");
	free(path);
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, "/nf_tables.ko");
	fclose(file);
	return found;
}

/**
 * nft_is_there - can there be anything of nftables?
 *
 * Asking nftables itself would load it. A kernel without modules is asked.
 */
bool nft_is_there(void)
{
	return !access("/sys/module/nf_tables", F_OK) || access("/proc/modules", F_OK) ||
	       is_built_in();
}

/**
 * nft_open - begin to work with nftables
 * @nft: filled
 */
void nft_open(struct nft *nft)
{
	nft->ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft->ctx || nft_ctx_buffer_output(nft->ctx) || nft_ctx_buffer_error(nft->ctx)) {
		fputs("dvpnetctl: out of memory\n", stderr);
		exit(EXIT_FAILURE);
	}
}

/**
 * nft_close - end it
 * @nft: from nft_open()
 */
void nft_close(struct nft *nft)
{
	nft_ctx_free(nft->ctx);
}

static int run(struct nft *nft, unsigned int flags, const char *commands)
{
	nft_ctx_output_set_flags(nft->ctx, flags);
	return nft_run_cmd_from_buffer(nft->ctx, commands) ? -EIO : 0;
}

/**
 * nft_run - carry out commands in one transaction
 * @nft: from nft_open()
 * @commands: what "nft -f" takes
 *
 * Return: 0; else a negative errno, nothing has changed, and nft_error() says why.
 */
int nft_run(struct nft *nft, const char *commands)
{
	return run(nft, 0, commands);
}

/**
 * nft_error - why the last call failed, in a line
 * @nft: from nft_open()
 *
 * Return: the text; valid up to the next call.
 */
const char *nft_error(struct nft *nft)
{
	char *text = (char *)nft_ctx_get_error_buffer(nft->ctx);

	text[strcspn(text, "\n")] = '\0';
	return *text ? text : "nftables refused without a word";
}

/**
 * nft_text - list something as nft does, without the elements of sets
 * @nft: from nft_open()
 * @command: "list ..."
 * @with_handles: each object ends with "# handle NUMBER"
 *
 * Return: the text, valid up to the next call; NULL on error, and nft_error() says why.
 */
const char *nft_text(struct nft *nft, const char *command, bool with_handles)
{
	unsigned int flags = NFT_CTX_OUTPUT_TERSE | (with_handles ? NFT_CTX_OUTPUT_HANDLE : 0);

	return run(nft, flags, command) ? NULL : nft_ctx_get_output_buffer(nft->ctx);
}

/**
 * nft_json - list something in JSON, as of libnftables-json(5)
 * @nft: from nft_open()
 * @command: "list ..."
 *
 * Return: the array of objects; NULL on error, and nft_error() says why.
 */
json_t *nft_json(struct nft *nft, const char *command)
{
	json_t *root, *array;

	if (run(nft, NFT_CTX_OUTPUT_JSON, command))
		return NULL;
	root = json_loads(nft_ctx_get_output_buffer(nft->ctx), 0, NULL);
	array = json_incref(json_object_get(root, "nftables"));
	json_decref(root);
	return array ? array : json_array();
}
