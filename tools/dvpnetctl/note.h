/* SPDX-License-Identifier: GPL-2.0 */
/* What is to be remembered of a network namespace, up to the next boot. */
#ifndef DVPNETCTL_NOTE_H
#define DVPNETCTL_NOTE_H

/** Where the notes are. */
#define NOTE_DIR "/run/dvpnet"

char *note_path(const char *what);
int note_write(const char *what, const char *text);
char *note_read(const char *what);
void note_remove(const char *what);

#endif
