/* SPDX-License-Identifier: GPL-2.0 */
/* Typed reading of annotations, which are all texts. */
#ifndef DVPNETCTL_ANNOTATION_H
#define DVPNETCTL_ANNOTATION_H

#include "field.h"

bool annotation_number(const struct field *annotations, const char *key, unsigned long min,
		       unsigned long max, unsigned long *number);
bool annotation_bool(const struct field *annotations, const char *key, bool *value);
bool annotation_mode(const struct field *annotations, uint32_t *mode);

#endif
