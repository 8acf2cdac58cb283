/* SPDX-License-Identifier: GPL-2.0 */
/* Kubernetes objects from files and directories. */
#ifndef DVPNETCTL_SOURCE_FILES_H
#define DVPNETCTL_SOURCE_FILES_H

#include "document.h"

#define SOURCE_FILE_MAX (64 << 20)

/**
 * struct source_files - files that were read
 * @names: their names; places point to them
 */
struct source_files {
	LIST(char *) names;
};

void source_files_read(struct source_files *files, const char *path, document_fn *fn,
		       void *arg, struct report *report);
void source_files_free(struct source_files *files);

#endif
