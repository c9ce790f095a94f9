//! The gateway's attempt token, as it stands in `biz_opaque_callback_data`: which message a call is for, and which attempt.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::ids::{MessageId, TenantId};

const PREFIX: &str = "mj1.";
const VERSION: u8 = 1;

/// One call of the gateway for one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttemptToken {
    /// Whose message it is.
    pub(crate) tenant: TenantId,
    /// Its conversation, which the simulator only gives back.
    pub(crate) conversation: [u8; 16],
    /// The message.
    pub(crate) message: MessageId,
    /// Counts the calls for this message, from 1.
    pub(crate) attempt: u8,
}

impl AttemptToken {
    /// Reads what the gateway wrote; `None` for anybody else's.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (body, sum) = bytes.split_last_chunk::<4>()?;
        if crc32fast::hash(body).to_be_bytes() != *sum {
            return None;
        }
        let ([VERSION], rest) = body.split_first_chunk::<1>()? else {
            return None;
        };
        let (tenant, rest) = rest.split_first_chunk::<8>()?;
        let (conversation, rest) = rest.split_first_chunk::<16>()?;
        let (message, rest) = rest.split_first_chunk::<16>()?;
        let [attempt] = rest else { return None };
        Some(Self {
            tenant: TenantId::from_bytes(*tenant),
            conversation: *conversation,
            message: MessageId::from_bytes(*message),
            attempt: *attempt,
        })
    }
}

impl fmt::Display for AttemptToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(self.tenant.as_bytes());
        bytes.extend_from_slice(&self.conversation);
        bytes.extend_from_slice(self.message.as_bytes());
        bytes.push(self.attempt);
        let sum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&sum.to_be_bytes());
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}
