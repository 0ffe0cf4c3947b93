// Masks as text: eight pixels a byte, the first in the highest bit, in base 64.

/** Uint8Array of zeros and ones -> text. */
export function pack(bits) {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, i) => (bytes[i >> 3] |= bit << (7 - (i & 7))));
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** Text -> that many zeros and ones; all zeros for what is no mask of this length. */
export function unpack(text, length) {
  const bits = new Uint8Array(length);
  let bytes = "";
  try {
    bytes = atob(text);
  } catch {
    return bits;
  }
  if (bytes.length === Math.ceil(length / 8)) bits.forEach((_, i) => (bits[i] = (bytes.charCodeAt(i >> 3) >> (7 - (i & 7))) & 1));
  return bits;
}
