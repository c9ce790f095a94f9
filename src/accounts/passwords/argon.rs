//! The hash function itself.

use std::sync::{Mutex, MutexGuard, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};

use super::PasswordError;
use super::hash::{Cost, TAG};

/// Password, salt, cost: the only form in which a hash is computed, so that tests can count.
pub(super) type Derive = dyn Fn(&[u8], &[u8], Cost) -> Result<[u8; TAG], PasswordError> + Send + Sync;

/// Memory of hashes that were computed, for the next ones: as many pieces as were ever computed at a time. Given back to the
/// allocator after each hash, pieces of this size would add up to many times that.
#[derive(Default)]
pub(super) struct Memory(Mutex<Vec<Vec<Block>>>);

impl Memory {
    fn pieces(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, blocks: usize) -> Vec<Block> {
        let mut memory = self.pieces().pop().unwrap_or_default();
        memory.resize(blocks, Block::default());
        memory
    }
}

/// Argon2id, version 1.3, one lane.
pub(super) fn derive(
    memory: &Memory,
    password: &[u8],
    salt: &[u8],
    cost: Cost,
) -> Result<[u8; TAG], PasswordError> {
    let broken = |error: argon2::Error| PasswordError::Broken(error.to_string());
    let params = Params::new(cost.memory_kib, cost.passes, 1, Some(TAG)).map_err(broken)?;
    let mut blocks = memory.take(params.block_count());
    let mut tag = [0; TAG];
    let made = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        password,
        salt,
        &mut tag,
        &mut blocks,
    );
    memory.pieces().push(blocks);
    made.map_err(broken)?;
    Ok(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_those_of_the_reference_implementation() {
        let memory = Memory::default();
        // From its src/test.c, "Argon2id test vectors"; the parameters stand there as log2.
        for (password, memory_kib, tag) in [
            (
                "password",
                1 << 16,
                "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7",
            ),
            (
                "password",
                1 << 8,
                "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe",
            ),
        ] {
            let cost = Cost {
                memory_kib,
                passes: 2,
            };
            // Again with the memory of the one before, whatever its size.
            let made = derive(&memory, password.as_bytes(), b"somesalt", cost).unwrap();
            let hex = made
                .iter()
                .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            assert_eq!(hex, tag, "{memory_kib} KiB");
        }
        assert_eq!(memory.pieces().len(), 1, "one at a time needs one piece");
    }

    #[test]
    fn a_cost_that_cannot_be_is_an_error() {
        let cost = Cost {
            memory_kib: 1,
            passes: 2,
        };
        assert!(matches!(
            derive(&Memory::default(), b"password", b"somesalt", cost),
            Err(PasswordError::Broken(_))
        ));
    }
}
