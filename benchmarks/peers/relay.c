/* The floor: a websocket relay on epoll, without any CRDT, checks, roles or disk.
 *
 *     relay PORT
 *
 * Every update (bytes 00 02 ...) and every awareness message (01 ...) is framed once and written to
 * all sockets of its room, the sender's included: to the sender its own update stands for the
 * acknowledgement. Step 1 (00 00 ...) is answered with an empty step 2. The room is the path of the
 * request; a request that is no upgrade gets 200, so that one can wait for the relay to listen.
 * SIGTERM ends it. One thread, loopback only, built with `cc -O2`; not meant to serve anybody.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_BYTES = 256 * 1024,
    REQUEST_BYTES_MAX = 16 * 1024,
    UNSENT_BYTES_MAX = 64 * 1024 * 1024, /* who has not read so much is dropped */
    EVENTS = 256,
    OP_BINARY = 2,
    OP_CLOSE = 8,
    OP_PING = 9,
    OP_PONG = 10,
};

typedef struct {
    uint8_t *bytes;
    size_t size, room;
} Buffer;

typedef struct Room Room;

typedef struct {
    int fd;
    Room *room;      /* NULL until the upgrade */
    size_t place;    /* among the members of the room */
    Buffer rest;     /* of a message that has not come whole */
    Buffer unsent;   /* what the socket did not take yet */
    bool ending;     /* close it when the events of this round are done */
} Member;

struct Room {
    char *path;
    Member **members;
    size_t count, space;
    Room *next;
};

static int poller;
static Room *rooms;
static Member **ended;
static size_t ended_count, ended_space;
static volatile sig_atomic_t stopping;

static void *grown(void *memory, size_t bytes) {
    void *larger = realloc(memory, bytes);
    if (!larger) {
        perror("memory");
        exit(1);
    }
    return larger;
}

static void keep(Buffer *buffer, const uint8_t *bytes, size_t size) {
    if (buffer->size + size > buffer->room) {
        buffer->room = (buffer->size + size) * 2;
        buffer->bytes = grown(buffer->bytes, buffer->room);
    }
    memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
}

static void forget(Buffer *buffer) {
    free(buffer->bytes);
    *buffer = (Buffer){0};
}

/* Rooms ------------------------------------------------------------------------------------- */

static void join(Member *member, const char *path) {
    Room *room = rooms;
    while (room && strcmp(room->path, path) != 0) room = room->next;
    if (!room) {
        room = grown(NULL, sizeof *room);
        *room = (Room){.path = strdup(path), .next = rooms};
        rooms = room;
    }
    if (room->count == room->space) {
        room->space = room->space ? room->space * 2 : 8;
        room->members = grown(room->members, room->space * sizeof(Member *));
    }
    member->room = room;
    member->place = room->count;
    room->members[room->count++] = member;
}

static void leave(Member *member) {
    Room *room = member->room;
    if (!room) return;
    Member *last = room->members[--room->count];
    room->members[member->place] = last;
    last->place = member->place;
    member->room = NULL;
}

/* Writing ----------------------------------------------------------------------------------- */

static void end(Member *member) {
    if (member->ending) return;
    member->ending = true;
    if (ended_count == ended_space) {
        ended_space = ended_space ? ended_space * 2 : 64;
        ended = grown(ended, ended_space * sizeof(Member *));
    }
    ended[ended_count++] = member;
}

static void watch(Member *member, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = member};
    epoll_ctl(poller, EPOLL_CTL_MOD, member->fd, &event);
}

static void write_to(Member *member, const uint8_t *bytes, size_t size) {
    if (member->ending) return;
    if (!member->unsent.size) {
        ssize_t taken = send(member->fd, bytes, size, MSG_NOSIGNAL);
        if (taken == (ssize_t)size) return;
        if (taken < 0 && errno != EAGAIN) {
            end(member);
            return;
        }
        if (taken > 0) bytes += taken, size -= (size_t)taken;
        watch(member, EPOLLIN | EPOLLOUT);
    }
    keep(&member->unsent, bytes, size);
    if (member->unsent.size > UNSENT_BYTES_MAX) end(member);
}

static void write_unsent(Member *member) {
    Buffer *unsent = &member->unsent;
    ssize_t taken = send(member->fd, unsent->bytes, unsent->size, MSG_NOSIGNAL);
    if (taken < 0) {
        if (errno != EAGAIN) end(member);
        return;
    }
    unsent->size -= (size_t)taken;
    memmove(unsent->bytes, unsent->bytes + taken, unsent->size);
    if (!unsent->size) {
        forget(unsent);
        watch(member, EPOLLIN);
    }
}

/* The header of a frame from a server; `header` has room for ten bytes. */
static size_t frame_header(uint8_t *header, int opcode, size_t size) {
    header[0] = 0x80 | (uint8_t)opcode;
    if (size < 126) {
        header[1] = (uint8_t)size;
        return 2;
    }
    int width = size < 65536 ? 2 : 8;
    header[1] = width == 2 ? 126 : 127;
    for (int at = 0; at < width; at++) header[2 + at] = (uint8_t)(size >> 8 * (width - 1 - at));
    return 2 + (size_t)width;
}

/* Frames go out from the place where they came in: the header of a frame from a client is at least
 * four bytes longer, for the masking key. */
static uint8_t *framed(uint8_t *payload, size_t size, int opcode, size_t *frame_bytes) {
    uint8_t header[10];
    size_t before = frame_header(header, opcode, size);
    memcpy(payload - before, header, before);
    *frame_bytes = before + size;
    return payload - before;
}

/* Reading ----------------------------------------------------------------------------------- */

static void handle(Member *member, int opcode, uint8_t *payload, size_t size) {
    static const uint8_t step_2_empty[] = {0x82, 5, 0, 1, 2, 0, 0};
    size_t frame_bytes;
    if (opcode == OP_CLOSE || opcode == OP_PING) {
        uint8_t *frame =
            framed(payload, size, opcode == OP_PING ? OP_PONG : OP_CLOSE, &frame_bytes);
        write_to(member, frame, frame_bytes);
        if (opcode == OP_CLOSE) end(member);
    } else if (size >= 2 && payload[0] == 0 && payload[1] == 0) {
        write_to(member, step_2_empty, sizeof step_2_empty);
    } else if (size >= 2 && (payload[0] == 1 || (payload[0] == 0 && payload[1] == 2))) {
        uint8_t *frame = framed(payload, size, OP_BINARY, &frame_bytes);
        Room *room = member->room;
        for (size_t at = 0; at < room->count; at++)
            write_to(room->members[at], frame, frame_bytes);
    }
}

static void unmask(uint8_t *payload, size_t size, const uint8_t key[4]) {
    if (!(key[0] | key[1] | key[2] | key[3])) return;
    for (size_t at = 0; at < size; at++) payload[at] ^= key[at & 3];
}

/* Handles all whole frames (none is ever fragmented here); returns how many bytes they took. */
static size_t cut(Member *member, uint8_t *bytes, size_t count) {
    size_t at = 0;
    while (count - at >= 6 && !member->ending) {
        uint8_t *frame = bytes + at;
        size_t size = frame[1] & 0x7F, before = 2;
        if (size >= 126) {
            size_t width = size == 126 ? 2 : 8;
            if (count - at < before + width + 4) break;
            size = 0;
            for (size_t each = 0; each < width; each++) size = size << 8 | frame[2 + each];
            before += width;
        }
        before += 4;
        if (count - at - before < size) break;
        uint8_t key[4];
        memcpy(key, frame + before - 4, 4);
        unmask(frame + before, size, key);
        at += before + size;
        handle(member, frame[0] & 0x0F, frame + before, size);
    }
    return at;
}

/* Handshake (RFC 6455, 4.2.2; SHA-1 as in RFC 3174) ------------------------------------------ */

static uint32_t rotated(uint32_t value, int bits) { return value << bits | value >> (32 - bits); }

static void sha1_block(uint32_t state[5], const uint8_t block[64]) {
    static const uint32_t constants[4] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};
    uint32_t words[80];
    for (int t = 0; t < 16; t++)
        words[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
                   (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (int t = 16; t < 80; t++)
        words[t] = rotated(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int t = 0; t < 80; t++) {
        uint32_t mixed = t < 20   ? (b & c) | (~b & d)
                         : t < 40 ? b ^ c ^ d
                         : t < 60 ? (b & c) | (b & d) | (c & d)
                                  : b ^ c ^ d;
        uint32_t next = rotated(a, 5) + mixed + e + words[t] + constants[t / 20];
        e = d, d = c, c = rotated(b, 30), b = a, a = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

/* Of a text shorter than 119 bytes: two blocks. */
static void sha1(const char *text, uint8_t digest[20]) {
    uint32_t state[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    uint8_t blocks[128] = {0};
    size_t size = strlen(text), count = size < 56 ? 1 : 2;
    memcpy(blocks, text, size);
    blocks[size] = 0x80;
    for (int at = 0; at < 8; at++)
        blocks[64 * count - 1 - (size_t)at] = (uint8_t)((uint64_t)size * 8 >> 8 * at);
    for (size_t at = 0; at < count; at++) sha1_block(state, blocks + 64 * at);
    for (int at = 0; at < 20; at++) digest[at] = (uint8_t)(state[at / 4] >> 8 * (3 - at % 4));
}

static void base64(const uint8_t *bytes, size_t size, char *text) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < size; at += 3) {
        size_t left = size - at;
        uint32_t three = (uint32_t)bytes[at] << 16 | (left > 1 ? (uint32_t)bytes[at + 1] << 8 : 0) |
                         (left > 2 ? bytes[at + 2] : 0);
        for (int each = 0; each < 4; each++)
            *text++ = each > (int)left ? '=' : letters[three >> 6 * (3 - each) & 63];
    }
    *text = 0;
}

/* Answers a whole request, which ends with a zero here; without a key it is no upgrade. */
static void answer(Member *member, char *request) {
    static const char key_header[] = "\r\nSec-WebSocket-Key:";
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char reply[256], salted[100], accepted[32], path[1024], given[61];
    uint8_t digest[20];
    const char *key = strcasestr(request, key_header);
    if (!key || sscanf(key + sizeof key_header - 1, " %60s", given) != 1 ||
        sscanf(request, "GET %1023s", path) != 1) {
        int size = snprintf(reply, sizeof reply,
                            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        write_to(member, (uint8_t *)reply, (size_t)size);
        end(member);
        return;
    }
    snprintf(salted, sizeof salted, "%s%s", given, magic);
    sha1(salted, digest);
    base64(digest, sizeof digest, accepted);
    int size = snprintf(reply, sizeof reply,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                        accepted);
    join(member, path);
    write_to(member, (uint8_t *)reply, (size_t)size);
}

/* Returns how many bytes were done with. */
static size_t take(Member *member, uint8_t *bytes, size_t count) {
    size_t at = 0;
    if (!member->room) {
        uint8_t *ends = memmem(bytes, count, "\r\n\r\n", 4);
        if (!ends) {
            if (count > REQUEST_BYTES_MAX) end(member);
            return 0;
        }
        *ends = 0;
        at = (size_t)(ends - bytes) + 4;
        answer(member, (char *)bytes);
    }
    return at + (member->room ? cut(member, bytes + at, count - at) : 0);
}

static void read_from(Member *member) {
    static uint8_t arrived[READ_BYTES];
    ssize_t count = recv(member->fd, arrived, sizeof arrived, 0);
    if (count <= 0) {
        if (count == 0 || errno != EAGAIN) end(member);
        return;
    }
    Buffer *rest = &member->rest;
    if (!rest->size) {
        size_t done = take(member, arrived, (size_t)count);
        if (done < (size_t)count) keep(rest, arrived + done, (size_t)count - done);
        return;
    }
    keep(rest, arrived, (size_t)count);
    size_t done = take(member, rest->bytes, rest->size);
    rest->size -= done;
    memmove(rest->bytes, rest->bytes + done, rest->size);
    if (!rest->size) forget(rest);
}

/* Listening --------------------------------------------------------------------------------- */

static int listening(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) {
        perror("listen");
        exit(1);
    }
    return fd;
}

static void accept_all(int listener) {
    int fd, yes = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        Member *member = grown(NULL, sizeof *member);
        *member = (Member){.fd = fd};
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = member};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

static void bury(void) {
    for (size_t at = 0; at < ended_count; at++) {
        Member *member = ended[at];
        leave(member);
        close(member->fd);
        forget(&member->rest);
        forget(&member->unsent);
        free(member);
    }
    ended_count = 0;
}

static void stop(int number) {
    (void)number;
    stopping = 1;
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: relay PORT\n");
        return 2;
    }
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    int listener = listening(atoi(arguments[1]));
    poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN}, events[EVENTS];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    while (!stopping) {
        int ready = epoll_wait(poller, events, EVENTS, 1000);
        for (int at = 0; at < ready; at++) {
            Member *member = events[at].data.ptr;
            if (!member) {
                accept_all(listener);
                continue;
            }
            if (events[at].events & EPOLLOUT && !member->ending && member->unsent.size)
                write_unsent(member);
            if (events[at].events & ~(uint32_t)EPOLLOUT && !member->ending) read_from(member);
        }
        bury();
    }
    return 0;
}
