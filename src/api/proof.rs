//! What somebody who is signed in shows before what a session alone is not enough for: the password and, where the account has a second
//! factor, a code of it. Whoever finds a browser open, or knows the password alone, so takes nothing from the person for good.

use secrecy::SecretString;

use super::auth::key::KeyKind;
use super::auth::{SessionCall, new_token};
use super::error::ApiError;
use super::json::Fields;
use super::sessions::password;
use crate::accounts::codes::SecondFactorCode;
use crate::accounts::{AccountError, Confirmation, Proof};

/// The fields `password` and `code` of a body.
pub(super) struct Shown {
    password: Option<SecretString>,
    code: Option<SecondFactorCode>,
}

impl Shown {
    /// What is there of them.
    pub(super) fn read(fields: &mut Fields) -> Result<Self, ApiError> {
        Ok(Self {
            password: fields.optional::<String>("password")?.map(SecretString::from),
            code: fields.optional("code")?,
        })
    }

    /// The same of a body that has to hold a password.
    pub(super) fn required(fields: &mut Fields) -> Result<Self, ApiError> {
        Ok(Self {
            password: Some(password(fields, "password")?),
            code: fields.optional("code")?,
        })
    }

    /// Whether it was shown that it is the caller; refuses what is wrong.
    pub(super) async fn confirmation(self, call: &SessionCall) -> Result<Confirmation, ApiError> {
        let Some(password) = self.password else {
            return Ok(Confirmation::Missing);
        };
        let proof = Proof {
            password,
            code: self.code,
            origin: call.origin(),
        };
        let state = call.state();
        // Two calls of one session use up one code once.
        let (_, token) = new_token(state, KeyKind::Session)?;
        state.accounts.confirm(call.who(), proof, token.hash).await?;
        Ok(Confirmation::Shown)
    }

    /// Refuses whoever did not show it.
    pub(super) async fn demand(self, call: &SessionCall) -> Result<(), ApiError> {
        match self.confirmation(call).await? {
            Confirmation::Shown => Ok(()),
            Confirmation::Missing => Err(AccountError::PasswordRequired.into()),
        }
    }
}
