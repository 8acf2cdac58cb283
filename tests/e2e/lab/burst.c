// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic faster than Python makes it; see burst.py.
 *
 *   burst echo PORT                          UDP server, sends back what it gets, to the end of time
 *   burst whoami PORT                        TCP server, says which of the host's addresses it is
 *   burst pairs ADDRESS PORT FIRST COUNT     from each of COUNT source ports two datagrams at the
 *                                            same instant, by two processors; counts the answers, and
 *                                            ends early if some are missing
 *   burst syn ADDRESS PORT NETWORK COUNT RATE    first segments of COUNT connections, RATE a second,
 *                                            whose addresses are in NETWORK (its last two bytes are used)
 *
 * Servers say "ready" as soon as they are; what counts says figures as "NAME NUMBER" lines.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define PATIENCE_MS 5000

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* An address with a port; IPv4 ones too, unless they are to be IPv6. */
static socklen_t parse(const char *text, unsigned int port, struct sockaddr_storage *addr)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *in = (struct sockaddr_in *)addr;

	memset(addr, 0, sizeof(*addr));
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		return sizeof(*in6);
	}
	if (inet_pton(AF_INET, text, &in->sin_addr) != 1) {
		fprintf(stderr, "%s is no address\n", text);
		exit(1);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	return sizeof(*in);
}

static int open_server(int type, const char *port)
{
	struct sockaddr_storage addr;
	socklen_t len = parse("::", strtoul(port, NULL, 10), &addr);
	int fd = socket(AF_INET6, type, 0), one = 1, size = 16 << 20;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len))
		die("bind");
	if (type == SOCK_STREAM && listen(fd, 4096))
		die("listen");
	puts("ready");
	return fd;
}

static void serve_echo(const char *port)
{
	static struct sockaddr_storage peers[BATCH];
	static char data[BATCH][2048];
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	int fd = open_server(SOCK_DGRAM, port), i, count;

	for (;;) {
		for (i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){ data[i], sizeof(data[i]) };
			messages[i].msg_hdr = (struct msghdr){
				.msg_name = &peers[i], .msg_namelen = sizeof(peers[i]),
				.msg_iov = &parts[i], .msg_iovlen = 1,
			};
		}
		count = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
		for (i = 0; i < count; i++) {
			parts[i].iov_len = messages[i].msg_len;
			/* Errors are about one peer. */
			sendmsg(fd, &messages[i].msg_hdr, 0);
		}
	}
}

static const char *text_of(const struct sockaddr_in6 *addr, char *text)
{
	inet_ntop(AF_INET6, &addr->sin6_addr, text, INET6_ADDRSTRLEN);
	return IN6_IS_ADDR_V4MAPPED(&addr->sin6_addr) ? text + strlen("::ffff:") : text;
}

static void serve_whoami(const char *port)
{
	int listener = open_server(SOCK_STREAM, port);

	for (;;) {
		char self_text[INET6_ADDRSTRLEN], peer_text[INET6_ADDRSTRLEN], line[128];
		struct sockaddr_in6 self, peer;
		socklen_t self_len = sizeof(self), peer_len = sizeof(peer);
		int fd = accept(listener, (struct sockaddr *)&peer, &peer_len);

		if (fd < 0)
			continue;
		getsockname(fd, (struct sockaddr *)&self, &self_len);
		snprintf(line, sizeof(line), "%s %s %u\n", text_of(&self, self_text),
			 text_of(&peer, peer_text), ntohs(peer.sin6_port));
		send(fd, line, strlen(line), MSG_NOSIGNAL);
		close(fd);
	}
}

/* ---- pairs ---- */

static int sockets[BATCH];
static unsigned int batch;		/* how many of them there are */
static pthread_barrier_t begins;	/* of a batch: both senders and who opens the sockets */
static atomic_ulong arrived;		/* datagrams that the senders are about to send */

/* Both senders wait for each other before each datagram; it is for processors to race. */
static void *send_half(void *name)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), cpu = strcmp(name, "A") ? 1 : 0;
	unsigned long number = 0;
	unsigned int i;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % cpus, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	for (;;) {
		pthread_barrier_wait(&begins);
		for (i = 0; i < batch; i++) {
			unsigned int spins = 0;

			number++;
			atomic_fetch_add(&arrived, 1);
			while (cpus > 1 && atomic_load(&arrived) < 2 * number)
				if (++spins % 4096 == 0)
					sched_yield();
			send(sockets[i], name, strlen(name), 0);
		}
		pthread_barrier_wait(&begins);
	}
	return NULL;
}

static int open_client(const struct sockaddr_storage *target, socklen_t len, unsigned int port)
{
	struct sockaddr_storage source;
	int fd = socket(target->ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	parse(target->ss_family == AF_INET ? "0.0.0.0" : "::", port, &source);
	if (fd < 0 || bind(fd, (struct sockaddr *)&source, len) ||
	    connect(fd, (struct sockaddr *)target, len))
		die("client");
	return fd;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for both answers on each of the sockets; returns how many are missing. */
static unsigned long collect(unsigned int count, unsigned long *errors)
{
	bool has_a[BATCH] = { 0 }, has_aaaa[BATCH] = { 0 };
	struct pollfd polls[BATCH];
	unsigned long missing = 2 * count;
	long deadline = now_ms() + PATIENCE_MS, left;
	unsigned int i;

	for (i = 0; i < count; i++)
		polls[i] = (struct pollfd){ sockets[i], POLLIN, 0 };
	while (missing && (left = deadline - now_ms()) > 0) {
		if (poll(polls, count, left) <= 0)
			continue;
		for (i = 0; i < count; i++) {
			char data[16];
			ssize_t got;

			if (!polls[i].revents)
				continue;
			got = recv(sockets[i], data, sizeof(data), 0);
			if (got < 0) {
				*errors += errno != EAGAIN;
			} else {
				bool *has = got == 1 ? &has_a[i] : &has_aaaa[i];

				missing -= !*has;
				*has = true;
			}
			if (has_a[i] && has_aaaa[i])
				polls[i].fd = -1;
		}
	}
	return missing;
}

static void send_pairs(const char *address, const char *port, const char *first,
		       const char *number)
{
	unsigned long count = strtoul(number, NULL, 10), done = 0, lost = 0, errors = 0;
	struct sockaddr_storage target;
	socklen_t len = parse(address, strtoul(port, NULL, 10), &target);
	pthread_t threads[2];

	pthread_barrier_init(&begins, NULL, 3);
	pthread_create(&threads[0], NULL, send_half, "A");
	pthread_create(&threads[1], NULL, send_half, "AAAA");
	while (done < count && !lost) {
		unsigned int i;

		batch = count - done < BATCH ? count - done : BATCH;
		for (i = 0; i < batch; i++)
			sockets[i] = open_client(&target, len, strtoul(first, NULL, 10) + done + i);
		pthread_barrier_wait(&begins);
		pthread_barrier_wait(&begins);
		lost += collect(batch, &errors);
		for (i = 0; i < batch; i++)
			close(sockets[i]);
		done += batch;
	}
	printf("pairs %lu\nlost %lu\nerrors %lu\n", done, lost, errors);
	exit(0);
}

/* ---- syn ---- */

struct tcp_header {
	uint16_t source, dest;
	uint32_t seq, ack;
	uint8_t offset, flags;
	uint16_t window, check, urgent;
};

struct packet {
	uint8_t header[40];		/* of IPv4 in the last 20 bytes */
	struct tcp_header tcp;
};

static uint32_t sum(const void *data, size_t len, uint32_t start)
{
	const uint16_t *words = data;

	for (; len > 1; len -= 2)
		start += *words++;
	return start;
}

static uint16_t fold(uint32_t value)
{
	while (value >> 16)
		value = (value & 0xffff) + (value >> 16);
	return ~value;
}

static size_t make_syn(struct packet *packet, const struct sockaddr_storage *target,
		       const struct sockaddr_storage *network, uint32_t host, uint16_t sport)
{
	bool is_v6 = target->ss_family == AF_INET6;
	uint8_t *header = packet->header + (is_v6 ? 0 : 20);
	uint8_t *addresses = header + (is_v6 ? 8 : 12);
	size_t len = is_v6 ? 16 : 4;
	uint32_t pseudo = htons(IPPROTO_TCP) + htons(sizeof(struct tcp_header));

	memset(packet, 0, sizeof(*packet));
	if (is_v6) {
		const struct sockaddr_in6 *from = (const void *)network, *to = (const void *)target;

		header[0] = 6 << 4;
		header[5] = sizeof(struct tcp_header);
		header[6] = IPPROTO_TCP;
		header[7] = 64;
		memcpy(addresses, &from->sin6_addr, len);
		memcpy(addresses + len, &to->sin6_addr, len);
		packet->tcp.dest = to->sin6_port;
	} else {
		const struct sockaddr_in *from = (const void *)network, *to = (const void *)target;

		header[0] = 4 << 4 | 5;
		header[3] = 20 + sizeof(struct tcp_header);
		header[8] = 64;
		header[9] = IPPROTO_TCP;
		memcpy(addresses, &from->sin_addr, len);
		memcpy(addresses + len, &to->sin_addr, len);
		packet->tcp.dest = to->sin_port;
	}
	addresses[len - 2] = host >> 8;
	addresses[len - 1] = host;
	packet->tcp.source = htons(sport);
	packet->tcp.seq = htonl(host << 16 | sport);
	packet->tcp.offset = sizeof(struct tcp_header) / 4 << 4;
	packet->tcp.flags = 2;
	packet->tcp.window = htons(65535);
	packet->tcp.check = fold(sum(&packet->tcp, sizeof(packet->tcp),
				     sum(addresses, 2 * len, pseudo)));
	return (is_v6 ? 40 : 20) + sizeof(struct tcp_header);
}

/* Until it is time for so many at this rate. */
static void pace(long begin, unsigned long sent, unsigned long rate)
{
	long left = begin + (long)(sent * 1000 / rate) - now_ms();

	if (left > 0)
		usleep(left * 1000);
}

static void send_syns(const char *address, const char *port, const char *network,
		      const char *number, const char *rate)
{
	unsigned long count = strtoul(number, NULL, 10), done = 0, sent = 0;
	long begin = now_ms();
	static struct packet packets[BATCH];
	struct sockaddr_storage target, from;
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	socklen_t len = parse(address, strtoul(port, NULL, 10), &target);
	struct sockaddr_storage name = target;
	int fd;

	parse(network, 0, &from);
	/* Raw sockets want no port. */
	if (name.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&name)->sin6_port = 0;
	fd = socket(target.ss_family, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0)
		die("raw socket");
	while (done < count) {
		unsigned int batch = count - done < BATCH ? count - done : BATCH, i, offset = 0;

		for (i = 0; i < batch; i++, done++) {
			size_t size = make_syn(&packets[i], &target, &from, 1 + done / 60000,
					       1024 + done % 60000);

			parts[i] = (struct iovec){
				packets[i].header + (size < 60 ? 20 : 0), size,
			};
			messages[i].msg_hdr = (struct msghdr){
				.msg_name = &name, .msg_namelen = len,
				.msg_iov = &parts[i], .msg_iovlen = 1,
			};
		}
		while (offset < batch) {
			int got = sendmmsg(fd, messages + offset, batch - offset, 0);

			if (got > 0)
				offset += got;
			else if (errno != ENOBUFS && errno != EAGAIN)
				die("sendmmsg");
		}
		sent += batch;
		pace(begin, sent, strtoul(rate, NULL, 10));
	}
	printf("sent %lu\n", sent);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && !strcmp(argv[1], "echo"))
		serve_echo(argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "whoami"))
		serve_whoami(argv[2]);
	else if (argc == 6 && !strcmp(argv[1], "pairs"))
		send_pairs(argv[2], argv[3], argv[4], argv[5]);
	else if (argc == 7 && !strcmp(argv[1], "syn"))
		send_syns(argv[2], argv[3], argv[4], argv[5], argv[6]);
	else
		return 2;
	return 0;
}
