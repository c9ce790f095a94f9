//! Message ids in Meta's form. They are computed from a running index, so that nothing has to be stored to read one back.
//!
//! A real one is base64 over a short binary record: the customer's number, the direction and a hex id. The index hides in
//! the first eight hex digits; the remaining ten prove that the id is ours.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::customers::{scramble, unscramble};
use super::dice::mix;

/// Who wrote the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The customer.
    In,
    /// The business.
    Out,
}

impl Way {
    const fn mark(self) -> (u8, u64) {
        match self {
            Self::In => (0x12, 0x1b_0bd1),
            Self::Out => (0x11, 0x0f_0bd1),
        }
    }
}

/// Writes and reads the ids of one run. Two runs never share ids, even with the same seed: a gateway that kept its
/// history would take the second run's messages for repetitions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wamids {
    salt: u64,
}

impl Wamids {
    pub(crate) fn new(seed: u64, started_ms: i64) -> Self {
        Self {
            salt: mix(seed, u64::try_from(started_ms).unwrap_or_default()),
        }
    }

    /// The id of the message with this index.
    pub(crate) fn write(self, way: Way, address: u64, index: u32) -> String {
        let (mark, purpose) = way.mark();
        let mut hex = String::with_capacity(18);
        let hidden = scramble(u64::from(index), mix(self.salt, purpose)) & 0xffff_ffff;
        let proof = self.proof(way, address, index);
        let _ = write!(hex, "{hidden:08X}{proof:010X}");
        let address = address.to_string();
        let mut record = Vec::with_capacity(48);
        record.extend_from_slice(&[0x1c, 0x18, u8::try_from(address.len()).unwrap_or(u8::MAX)]);
        record.extend_from_slice(address.as_bytes());
        record.extend_from_slice(&[0x15, 0x02, 0x00, mark, 0x18, 0x12]);
        record.extend_from_slice(hex.as_bytes());
        record.push(0);
        format!("wamid.{}", STANDARD.encode(record))
    }

    /// The index behind an id of this run.
    pub(crate) fn read(self, way: Way, wamid: &str) -> Option<u32> {
        let record = STANDARD.decode(wamid.strip_prefix("wamid.")?).ok()?;
        let length = usize::from(*record.get(2)?);
        let address: u64 = std::str::from_utf8(record.get(3..3 + length)?)
            .ok()?
            .parse()
            .ok()?;
        let rest = record.get(3 + length..)?;
        let (mark, purpose) = way.mark();
        if *rest.get(3)? != mark {
            return None;
        }
        let hex = std::str::from_utf8(rest.get(6..24)?).ok()?;
        let (hidden, proof) = hex.split_at_checked(8)?;
        let hidden = u64::from_str_radix(hidden, 16).ok()?;
        // The low half of a product depends on the low halves alone, so 32 bits lead back.
        let index = u32::try_from(unscramble(hidden, mix(self.salt, purpose)) & 0xffff_ffff).ok()?;
        let wanted = self.proof(way, address, index);
        (u64::from_str_radix(proof, 16).ok()? == wanted).then_some(index)
    }

    fn proof(self, way: Way, address: u64, index: u32) -> u64 {
        let (_, purpose) = way.mark();
        mix(self.salt ^ purpose, mix(address, u64::from(index))) >> 24
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_of_another_run_or_way_are_not_ours() {
        let ours = Wamids::new(1, 1_000);
        let wamid = ours.write(Way::Out, 16_505_551_234, 7);
        assert_eq!(ours.read(Way::In, &wamid), None);
        assert_eq!(Wamids::new(1, 1_001).read(Way::Out, &wamid), None);
        assert!(wamid.starts_with("wamid.HBgLMTY1MDU1NTEyMzQV"), "{wamid}");
    }

    proptest! {
        #[test]
        fn an_id_leads_back_to_its_index(seed: u64, address in 1_u64..999_999_999_999_999, index: u32) {
            let wamids = Wamids::new(seed, 5);
            for way in [Way::In, Way::Out] {
                prop_assert_eq!(wamids.read(way, &wamids.write(way, address, index)), Some(index));
            }
        }

        #[test]
        fn no_text_breaks_reading(text in "(wamid\\.)?[A-Za-z0-9+/=]{0,80}") {
            prop_assert_eq!(Wamids::new(1, 1).read(Way::Out, &text), None);
        }
    }
}
