//! A tenant's provider: who may set it, and what of it.

use std::time::Duration;

use super::super::{AccountError, Accounts, Actor};
use crate::domain::TenantId;
use crate::domain::roles::{Right, Role};
use crate::store::tables::SignInProvider;

impl Accounts {
    /// The provider of a tenant.
    pub async fn provider(&self, tenant: TenantId) -> Result<Option<SignInProvider>, AccountError> {
        let found = self.table::<SignInProvider>();
        let found = found.get(&SignInProvider::at(tenant)).await?;
        Ok(found.map(|found| found.row))
    }

    /// Refuses who may not set this provider, or remove the one before: one that makes owners is theirs alone.
    pub(super) async fn demand_provider(
        &self,
        tenant: TenantId,
        by: Actor,
        wanted: Option<&SignInProvider>,
    ) -> Result<(), AccountError> {
        let team = self.team_row(tenant).await?;
        by.demand(&team, Right::ManageBusiness)?;
        let before = self.provider(tenant).await?;
        if before.iter().chain(wanted).any(|one| one.gives(Role::Owner)) {
            by.demand(&team, Right::ManageOwners)?;
        }
        Ok(())
    }

    /// Sets a tenant's provider. Without a secret the one before stays, for the same client of the same provider alone: a secret goes
    /// to nobody whom it was not set for.
    pub(super) async fn put_provider(
        &self,
        tenant: TenantId,
        wanted: SignInProvider,
    ) -> Result<SignInProvider, AccountError> {
        let decide = |before: Option<&SignInProvider>| {
            let mut after = wanted.clone();
            let same =
                before.filter(|before| before.issuer == after.issuer && before.client_id == after.client_id);
            if let Some(before) = before {
                // Another one, also where both are set at one moment.
                after.since = after.since.max(before.since.after(Duration::from_millis(1)));
            }
            if let Some(same) = same {
                after.since = same.since;
                if after.client_secret.is_none() {
                    after.client_secret.clone_from(&same.client_secret);
                }
            }
            Ok::<_, AccountError>(Some(after))
        };
        let (_, after) = self.table().change(SignInProvider::at(tenant), decide).await?;
        Ok(after.unwrap_or(wanted))
    }

    /// Removes it; whether there was one. Sessions that it opened are over.
    pub async fn remove_provider(&self, tenant: TenantId, by: Actor) -> Result<bool, AccountError> {
        self.demand_provider(tenant, by, None).await?;
        let removed = self.table::<SignInProvider>();
        Ok(removed.remove(SignInProvider::at(tenant)).await?.is_some())
    }
}
