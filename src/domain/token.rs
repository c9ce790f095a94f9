//! The attempt token: what travels to Meta in `biz_opaque_callback_data` and comes back in every status.
//!
//! It addresses the message itself, so that a status which overtakes the answer to our own call can be applied at once.
//! A checksum and a version tell tokens of other applications on the same account apart.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::ids::{ConversationId, IdError, MessageId, TenantId};

const PREFIX: &str = "mj1.";
const VERSION: u8 = 1;
const LENGTH: usize = 1 + 8 + 16 + 16 + 1 + 4;

/// One HTTP call to Meta for one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AttemptToken {
    /// Whose message it is.
    pub tenant: TenantId,
    /// The conversation that holds it.
    pub conversation: ConversationId,
    /// The message.
    pub message: MessageId,
    /// Counts the calls for this message, from 1.
    pub attempt: u8,
}

impl fmt::Display for AttemptToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.tenant.get().to_be_bytes());
        bytes.extend_from_slice(self.conversation.as_bytes());
        bytes.extend_from_slice(self.message.as_bytes());
        bytes.push(self.attempt);
        let sum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&sum.to_be_bytes());
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for AttemptToken {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let refused = IdError {
            what: "attempt token",
            rule: "one that this gateway wrote",
        };
        let encoded = text.strip_prefix(PREFIX).ok_or(refused.clone())?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).ok().ok_or(refused.clone())?;
        let body: &[u8; LENGTH] = bytes.as_slice().try_into().ok().ok_or(refused.clone())?;
        let (signed, sum) = body.split_at(LENGTH - 4);
        if crc32fast::hash(signed).to_be_bytes() != sum {
            return Err(refused);
        }
        let mut rest = signed;
        let [version] = take::<1>(&mut rest).ok_or(refused.clone())?;
        let tenant = take::<8>(&mut rest).ok_or(refused.clone())?;
        let conversation = take::<16>(&mut rest).ok_or(refused.clone())?;
        let message = take::<16>(&mut rest).ok_or(refused.clone())?;
        let [attempt] = take::<1>(&mut rest).ok_or(refused.clone())?;
        if version != VERSION {
            return Err(refused);
        }
        Ok(Self {
            tenant: TenantId::new(u64::from_be_bytes(tenant)),
            conversation: ConversationId::from_bytes(conversation),
            message: MessageId::from_bytes(message),
            attempt,
        })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_token_comes_back_whole(tenant: u64, conversation: [u8; 16], message: [u8; 16], attempt: u8) {
            let token = AttemptToken {
                tenant: TenantId::new(tenant),
                conversation: ConversationId::from_bytes(conversation),
                message: MessageId::from_bytes(message),
                attempt,
            };
            let text = token.to_string();
            prop_assert!(text.len() <= 512);
            prop_assert_eq!(text.parse::<AttemptToken>().unwrap(), token);
        }

        #[test]
        fn foreign_text_is_refused(text in ".{0,120}") {
            prop_assert!(text.parse::<AttemptToken>().is_err());
        }
    }
}
