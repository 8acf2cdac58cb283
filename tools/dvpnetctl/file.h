/* SPDX-License-Identifier: GPL-2.0 */
/* Files that others read at any time. */
#ifndef DVPNETCTL_FILE_H
#define DVPNETCTL_FILE_H

int file_replace(const char *path, const char *text);

#endif
