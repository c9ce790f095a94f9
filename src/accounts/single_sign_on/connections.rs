//! Accounts at a provider that belong to users who have a password: connecting them, and taking that back.

use std::collections::BTreeMap;

use super::super::letters::device;
use super::super::{AccountError, Accounts, Ending, SignInOrigin};
use super::admission::{ProviderChange, Vouched, is_provisioned};
use super::{Connecting, SignOnError};
use crate::domain::{TenantId, Timestamp, UserId};
use crate::mail::Letter;
use crate::store::tables::{ProviderAccount, SignInIdentity, User};

/// Accounts at providers that one user connects, in all tenants.
const MOST_ACCOUNTS: usize = 100;

impl Accounts {
    /// Lets a provider mean a user from now on, who proved to be that user.
    pub(super) async fn connect(
        &self,
        tenant: TenantId,
        connecting: Connecting,
        vouched: &Vouched,
        record: impl AsyncFn(UserId, ProviderChange) -> Result<(), SignOnError>,
    ) -> Result<(), SignOnError> {
        if vouched.role.is_none() {
            return Err(SignOnError::NoRole(None));
        }
        if !self.is_member(tenant, connecting.user).await? {
            return Err(SignOnError::NotConnected);
        }
        let account = ProviderAccount::named(tenant, &vouched.issuer, &vouched.subject);
        self.demand_free(connecting, account).await?;
        record(connecting.user, ProviderChange::Connected).await?;
        self.connect_account(connecting, account).await
    }

    /// Refuses an account of the provider's that means somebody else, and a user who has another password since; whom it meant.
    async fn demand_free(
        &self,
        connecting: Connecting,
        account: ProviderAccount,
    ) -> Result<Option<SignInIdentity>, SignOnError> {
        let user = self.user(connecting.user).await?;
        if user.is_none_or(|user| user.generation != connecting.generation) {
            return Err(SignOnError::Expired);
        }
        let known = self.table::<SignInIdentity>().get(&account.key()).await?;
        let known = known
            .map(|known| known.row)
            .filter(|known| known.user != connecting.user);
        if let Some(known) = known {
            self.demand_left(account.tenant, known.user).await?;
        }
        Ok(known)
    }

    /// The same for an account that the user may have.
    pub(in crate::accounts) async fn connect_account(
        &self,
        connecting: Connecting,
        account: ProviderAccount,
    ) -> Result<(), SignOnError> {
        let Connecting { user, generation } = connecting;
        let known = self.demand_free(connecting, account).await?;
        // The list in the user's row first: what is in no list could neither be taken back nor be erased.
        let listed = |before: Option<&User>| {
            let before = before.filter(|before| before.closing.is_none()).cloned();
            let mut after = before.ok_or(AccountError::NoSuchMember)?;
            if after.generation != generation {
                return Err(SignOnError::Expired);
            }
            if !after.provider_accounts.contains(&account) {
                after.provider_accounts.push(account);
            }
            if after.provider_accounts.len() > MOST_ACCOUNTS {
                return Err(AccountError::TooMany(MOST_ACCOUNTS).into());
            }
            Ok(Some(after))
        };
        self.table().change(User::at(user), listed).await?;
        let claim = |before: Option<&SignInIdentity>| match before {
            Some(before) if before.user != user && Some(*before) != known => {
                Err(SignOnError::ConnectedToAnother)
            }
            _ => Ok(Some(SignInIdentity {
                user,
                admitted: Some(self.now()),
                ended: None,
            })),
        };
        let claimed = self.table().change(account.key(), claim).await;
        if let Err(SignOnError::ConnectedToAnother) = &claimed {
            // At this moment. An erasure removes what is listed: it must not be another user's.
            self.unlist_accounts(user, |listed| *listed == account).await?;
        }
        claimed?;
        if let Some(known) = known
            && self.user(known.user).await?.is_some()
        {
            self.unlist_accounts(known.user, |listed| *listed == account)
                .await?;
        }
        // After the change: an erasure locks the account before it looks what is listed.
        let holds = self.user(user).await?;
        if holds.is_none_or(|row| row.closing.is_some()) {
            self.free(account, user).await?;
            return Err(AccountError::NoSuchMember.into());
        }
        Ok(())
    }

    /// Refuses to take an account of the provider's from whoever is still in the team by it. One that a provider made, whose owner has
    /// an account with a password now, has to leave the team first.
    async fn demand_left(&self, tenant: TenantId, user: UserId) -> Result<(), SignOnError> {
        let row = self.user(user).await?;
        let in_use = row.is_some_and(|row| !is_provisioned(&row) || row.closing.is_some());
        if in_use || self.is_member(tenant, user).await? {
            return Err(SignOnError::ConnectedToAnother);
        }
        Ok(())
    }

    /// Lets an account of the provider's mean nobody, where it means this user.
    async fn free(&self, account: ProviderAccount, user: UserId) -> Result<bool, AccountError> {
        let table = self.table::<SignInIdentity>();
        let found = table.get(&account.key()).await?;
        match found.filter(|found| found.row.user == user) {
            Some(found) => Ok(table.replace(&account.key(), Some(&found), None).await?),
            None => Ok(false),
        }
    }

    /// Erases an account that a provider made once it is in no team any more: nobody is let in to it again, so that nobody else could have
    /// it erased. The provider's word alone makes no other one of it.
    pub(in crate::accounts) async fn erase_if_out_of_reach(&self, user: UserId) -> Result<(), AccountError> {
        let Some(row) = self.user(user).await? else {
            return Ok(());
        };
        let is_in_use = !is_provisioned(&row) || row.closing.is_some();
        if is_in_use || !self.tenants_of(user).await?.is_empty() {
            return Ok(());
        }
        for account in &row.provider_accounts {
            let ended = |before: Option<&SignInIdentity>| {
                let before = before.copied();
                Ok::<_, AccountError>(before.map(|before| {
                    if before.user == user {
                        before.ended(self.now())
                    } else {
                        before
                    }
                }))
            };
            self.table().change(account.key(), ended).await?;
        }
        self.erase_user(user).await
    }

    async fn unlist_accounts(
        &self,
        user: UserId,
        which: impl Fn(&ProviderAccount) -> bool,
    ) -> Result<(), AccountError> {
        let unlisted = |before: Option<&User>| {
            let mut after = before.cloned().ok_or(AccountError::NoSuchMember)?;
            after.provider_accounts.retain(|account| !which(account));
            Ok::<_, AccountError>(Some(after))
        };
        self.table().change(User::at(user), unlisted).await?;
        Ok(())
    }

    /// The tenants whose provider means a user, and since when.
    pub async fn connections(&self, user: UserId) -> Result<BTreeMap<TenantId, Timestamp>, AccountError> {
        let row = self.user(user).await?.ok_or(AccountError::NoSuchMember)?;
        let mut since = BTreeMap::new();
        for account in &row.provider_accounts {
            let found = self.table::<SignInIdentity>().get(&account.key()).await?;
            let identity = found.map(|found| found.row).filter(|row| row.user == user);
            if let Some(admitted) = identity.and_then(|identity| identity.admitted) {
                let first = since.entry(account.tenant).or_insert(admitted);
                *first = admitted.min(*first);
            }
        }
        Ok(since)
    }

    /// Tells a user that a provider signs in to the account from now on: whoever knows the password could have connected their own.
    pub(super) async fn tell_of_connection(
        &self,
        tenant: TenantId,
        user: UserId,
        origin: &SignInOrigin,
    ) -> Result<(), AccountError> {
        let Some(user) = self.user(user).await? else {
            return Ok(());
        };
        let letter = Letter::ProviderConnected {
            business: self.store.tenant(tenant).await?.map(|tenant| tenant.name),
            device: device(origin, self.now()),
        };
        self.mailer.send(&user.email, &letter);
        Ok(())
    }

    /// Lets no provider of a tenant mean a user any more, and ends what it opened; how many accounts there were.
    pub async fn disconnect(&self, tenant: TenantId, user: UserId) -> Result<usize, AccountError> {
        let row = self.user(user).await?.ok_or(AccountError::NoSuchMember)?;
        let mut removed = 0;
        for account in row
            .provider_accounts
            .iter()
            .filter(|account| account.tenant == tenant)
        {
            removed += usize::from(self.free(*account, user).await?);
        }
        self.unlist_accounts(user, |account| account.tenant == tenant)
            .await?;
        // Whoever takes the connection back may do so because somebody else uses it.
        self.end_sessions(user, Ending::ByProviderOf(tenant)).await?;
        Ok(removed)
    }
}
