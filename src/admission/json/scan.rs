//! Where a string stops being plain: the one loop that touches every byte of a review.

use wide::u8x16;

/// How many bytes are looked at together.
const LANES: usize = 16;

/// How far `bytes` begin with what means nothing in a string: to the first quote, backslash or control character, or to the
/// end.
#[inline(always)]
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let stops = stops(*chunk);
        if stops != 0 {
            return at + stops.trailing_zeros() as usize;
        }
        at += LANES;
    }
    at + bytes[at..].iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count()
}

/// One bit for each byte that means something, the first lowest.
#[inline(always)]
fn stops(bytes: [u8; LANES]) -> u32 {
    let text = u8x16::new(bytes);
    let control = text.min(u8x16::splat(0x1f)).simd_eq(text);
    (text.simd_eq(u8x16::splat(b'"')) | text.simd_eq(u8x16::splat(b'\\')) | control).to_bitmask()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::plain_length;

    proptest! {
        #[test]
        fn agrees_with_looking_at_one_byte_after_the_other(
            bytes in prop::collection::vec(prop_oneof![8 => any::<u8>(), 1 => Just(b'"'), 1 => Just(b'\\')], 0..80),
            plain in 0_usize..70,
        ) {
            let mut text = vec![b'x'; plain];
            text.extend(bytes);
            let expected = text.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(text.len());
            prop_assert_eq!(plain_length(&text), expected);
        }
    }
}
