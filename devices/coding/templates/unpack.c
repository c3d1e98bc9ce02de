/* Canonical Huffman decoder, bit by bit: small rather than fast.  The layout is described in unpack.h's maker,
 * tinyfront's devices/coding/package.py. */
#include "unpack.h"

#include <string.h>

#define HEADER_BYTES 12u
#define RAW 255u

static uint32_t u16_at(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static uint32_t u32_at(const uint8_t *p) { return u16_at(p) | u16_at(p + 2) << 16; }

typedef struct {
  const uint8_t *bytes;
  size_t bits;
  size_t at;
  int torn;
} Stream;

static uint32_t next_bit(Stream *s) {
  uint32_t bit = 0;
  if (s->at >= s->bits) {
    s->torn = 1;
    return 0;
  }
  bit = (uint32_t)(s->bytes[s->at >> 3] >> (7u - (s->at & 7u))) & 1u;
  s->at++;
  return bit;
}

static uint8_t next_raw(Stream *s) {
  uint32_t value = 0;
  unsigned i;
  for (i = 0; i < 8; i++) value = value << 1 | next_bit(s);
  return (uint8_t)value;
}

/* `table` is u8 longest, u16 counts[longest], u8 symbols[]. */
static uint8_t next_symbol(Stream *s, const uint8_t *table) {
  const uint8_t *symbols = table + 1 + 2u * table[0];
  uint32_t word = 0, first = 0, index = 0;
  unsigned length;
  for (length = 0; length < table[0]; length++) {
    const uint32_t count = u16_at(table + 1 + 2 * length);
    word |= next_bit(s);
    if (word < first + count) return symbols[index + word - first];
    index += count;
    first = (first + count) << 1;
    word <<= 1;
  }
  s->torn = 1;
  return 0;
}

/* The table after this one, or NULL where it would end beyond `end`. */
static const uint8_t *after(const uint8_t *table, const uint8_t *end) {
  uint32_t symbols = 0;
  unsigned length;
  if (table >= end || (size_t)(end - table) < 1u + 2u * table[0]) return NULL;
  for (length = 0; length < table[0]; length++) symbols += u16_at(table + 1 + 2 * length);
  table += 1 + 2u * table[0];
  return (size_t)(end - table) < symbols ? NULL : table + symbols;
}

uint32_t tinyfront_unpacked_bytes(const uint8_t *package, size_t package_bytes) {
  if (package_bytes < HEADER_BYTES || memcmp(package, "TFH1", 4) != 0) return 0;
  return u32_at(package + 4);
}

uint32_t tinyfront_unpack(const uint8_t *package, size_t package_bytes, uint8_t *out, size_t out_bytes) {
  const uint32_t total = tinyfront_unpacked_bytes(package, package_bytes);
  const uint8_t *const end = package + package_bytes;
  const uint8_t *const tables = package + HEADER_BYTES;
  const uint8_t *runs = tables;
  uint32_t written = 0, codes, i;
  Stream s;
  if (total == 0 || total > out_bytes) return 0;
  codes = u16_at(package + 8);
  for (i = 0; i < codes && runs; i++) runs = after(runs, end);
  if (!runs || (size_t)(end - runs) < 4u * u16_at(package + 10)) return 0;
  s.bytes = runs + 4u * u16_at(package + 10);
  s.bits = 8u * (size_t)(end - s.bytes);
  s.at = 0;
  s.torn = 0;
  for (; runs < s.bytes; runs += 4) {
    const uint32_t run = u32_at(runs), code = run >> 24;
    uint32_t left = run & 0xFFFFFFu;
    const uint8_t *table = tables;
    if (left > total - written || (code != RAW && code >= codes)) return 0;
    for (i = 0; code != RAW && i < code; i++) table = after(table, end);
    while (left-- && !s.torn) out[written++] = code == RAW ? next_raw(&s) : next_symbol(&s, table);
  }
  return s.torn || written != total ? 0 : written;
}
