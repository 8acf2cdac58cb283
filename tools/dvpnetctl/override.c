// SPDX-License-Identifier: GPL-2.0
/* Settings on the command line that override those of the cluster. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "override.h"

static bool read_yes_no(const char *text, uint16_t attr, struct config *config)
{
	if (strcmp(text, "yes") && strcmp(text, "no"))
		return false;
	config_set(config, attr, !strcmp(text, "yes"));
	return true;
}

static bool read_number(const char *text, unsigned long min, unsigned long max, uint16_t attr,
			struct config *config)
{
	unsigned long number;

	if (!cmd_number(text, min, max, &number))
		return false;
	config_set(config, attr, number);
	return true;
}

static bool read_range(const char *text, struct config *config)
{
	unsigned int min, max;
	int end = 0;

	if (sscanf(text, "%5u-%5u%n", &min, &max, &end) != 2 || text[end] || !min ||
	    min > max || max > 65535)
		return false;
	config_set(config, DVPNET_A_CONFIG_NODEPORT_MIN, min);
	config_set(config, DVPNET_A_CONFIG_NODEPORT_MAX, max);
	return true;
}

static bool read_mode(const char *text, struct config *config)
{
	uint32_t mode;

	if (!config_mode_parse(text, &mode))
		return false;
	config_set(config, DVPNET_A_CONFIG_MODE, mode);
	return true;
}

/**
 * override_read - read one option of %OVERRIDE_OPTIONS
 * @option: its letter
 * @text: its argument
 * @config: takes the value
 *
 * Return: false if the argument is wrong.
 */
bool override_read(int option, const char *text, struct config *config)
{
	switch (option) {
	case 'm':
		return read_mode(text, config);
	case 'p':
		return read_number(text, 1, 65535, DVPNET_A_CONFIG_PORT, config);
	case 'v':
		return read_number(text, 0, 0xffffff, DVPNET_A_CONFIG_VNI, config);
	case 'c':
		return read_yes_no(text, DVPNET_A_CONFIG_UDP_CSUM, config);
	case 't':
		return read_yes_no(text, DVPNET_A_CONFIG_TRUST_UNDERLAY, config);
	case 'e':
		return read_yes_no(text, DVPNET_A_CONFIG_VIP_ECHO, config);
	case 'x':
		return read_yes_no(text, DVPNET_A_CONFIG_RESET_REMOVED, config);
	default:
		return read_range(text, config);
	}
}
