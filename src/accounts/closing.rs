//! A user's own data: everything that is kept of the user, and the end of the account.
//!
//! Tables say how the rows of one user are found ([`OfUser`]), so that a new one is exported and erased without a line here.
//! An erasure is listed first; then the user's teams are told to count on the user no more, each in its own row, which refuses it to the
//! last owner; then the account is locked, the user leaves all teams, and the rows go, the user's own last. Each step
//! may be done again, so that whoever finds it listed goes on with it. It stays listed until what somebody was writing about the user
//! at that moment is written, and removed, too.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::leaving::LastOwner;
use super::{AccountError, Accounts, Actor, Confirmation, Removal};
use crate::domain::email::EmailAddress;
use crate::domain::{TenantId, Timestamp, UserId};
use crate::store::plain::{Partition, PlainKey, PlainValue};
use crate::store::tables::{
    ALL, KnownUser, Membership, OfUser, SESSION_OF_USER, Session, Subject, Table, Team, USER, USER_ERASURE,
    User, UserErasure,
};
use crate::store::{KeyHash, StoreError, StoreErrorKind};

/// Rows that are read at once.
const PAGE: usize = 200;
/// How often a row that others change, too, is read again before it is removed.
const TRIES: usize = 8;
/// By when it is written what somebody was writing about a user whose own row went: a refused sign-in has ten seconds.
const WRITTEN_BY: Duration = Duration::from_secs(30);

impl Accounts {
    /// The user with an address, for operators.
    pub async fn user_with(&self, email: &EmailAddress) -> Result<UserId, AccountError> {
        let user = self.by_email(email).await?;
        Ok(user.ok_or(AccountError::NoSuchMember)?.id)
    }

    /// Everything that is kept of a user, by table, without what would let somebody in.
    pub async fn export_user(&self, user: UserId) -> Result<Value, AccountError> {
        // Each reads the list of all tenants, and anybody who is signed in may ask.
        let _place = self.exports.try_acquire().map_err(|_full| AccountError::Busy)?;
        let row = self.user(user).await?.ok_or(AccountError::NoSuchMember)?;
        let known = self.known(row).await?;
        let (mut rows, mut left_out) = (Map::new(), BTreeMap::new());
        for table in of_users() {
            let found = self.rows_of(table, &known).await?;
            let shown = found.into_iter().map(|(_, value)| shown(table, &value));
            rows.insert(
                table.name.to_owned(),
                shown.collect::<Result<Vec<Value>, _>>()?.into(),
            );
            if !table.secret.is_empty() {
                left_out.insert(table.name, table.secret);
            }
        }
        let mut teams = Vec::new();
        for (tenant, member) in self.tenants_of(user).await? {
            let row = self.store.tenant(tenant).await?;
            teams.push(json!({
                "tenant_id": tenant,
                "name": row.as_ref().map(|row| &row.name),
                "region": row.as_ref().and_then(|row| row.region.as_ref()),
                "privacy_contact": row.as_ref().and_then(|row| row.privacy_contact.as_ref()),
                "role": member.role,
                "since": member.since,
            }));
        }
        Ok(json!({
            "user_id": user,
            "exported": self.now(),
            "teams": teams,
            "rows": rows,
            "left_out": left_out,
        }))
    }

    /// The same for the user, at a pace.
    pub async fn export_own(&self, user: UserId) -> Result<Value, AccountError> {
        let now = self.clock.monotonic();
        {
            let mut exports = self.own_exports.lock().unwrap_or_else(PoisonError::into_inner);
            let wait = exports.wait(&user, now);
            if !wait.is_zero() {
                return Err(AccountError::TooManyRequests(wait));
            }
            exports.add(&user, now);
        }
        let exported = self.export_user(user).await;
        if exported.is_err() {
            // Whoever comes while others have the place gets the next one.
            let mut exports = self.own_exports.lock().unwrap_or_else(PoisonError::into_inner);
            exports.take_back(&user);
        }
        exported
    }

    /// Erases an account: out of all teams, signed out everywhere, every row gone. Refused while a team would have no owner.
    pub async fn erase_user(&self, user: UserId) -> Result<(), AccountError> {
        self.demand_other_owners(user).await?;
        let begun = UserErasure {
            user,
            begun: self.now(),
            gone: None,
        };
        let listed = self.table::<UserErasure>();
        let list =
            |before: Option<&UserErasure>| Ok::<_, AccountError>(Some(before.unwrap_or(&begun).clone()));
        listed.change(UserErasure::at(user), list).await?;
        self.go_on_erasing(user).await
    }

    /// Refuses while a team would have no owner. Nothing is done before all of them were looked at.
    pub async fn demand_other_owners(&self, user: UserId) -> Result<(), AccountError> {
        for (tenant, _) in self.tenants_of(user).await? {
            if self.team_row(tenant).await?.is_last_owner(user) {
                return Err(AccountError::LastOwner);
            }
        }
        Ok(())
    }

    /// Has no team count on the user any more, or refuses and has all of them count on the user again. Two owners of one team who do this
    /// at the same moment change one row, one after the other. So do an owner who hands a team over and whoever would get it.
    async fn resign(&self, user: UserId) -> Result<(), AccountError> {
        let teams = self.tenants_of(user).await?;
        for (tenant, _) in &teams {
            let resigned = self.count_on(*tenant, user, Some(self.now())).await;
            let Err(error) = resigned else { continue };
            if matches!(error, AccountError::LastOwner) {
                for (tenant, _) in &teams {
                    self.count_on(*tenant, user, None).await?;
                }
            }
            return Err(error);
        }
        Ok(())
    }

    /// Notes in a team's row whether a member's account is being erased.
    async fn count_on(
        &self,
        tenant: TenantId,
        user: UserId,
        erasing: Option<Timestamp>,
    ) -> Result<(), AccountError> {
        let changed = self.table::<Team>().change(Team::at(tenant), |team| {
            let mut team = team.cloned().unwrap_or_default();
            if erasing.is_some() && team.is_last_owner(user) {
                return Err(AccountError::LastOwner);
            }
            if let Some(member) = team.members.get_mut(&user) {
                member.erasing = erasing;
            }
            Ok(Some(team))
        });
        changed.await.map(drop)
    }

    /// Erasures that are not done.
    pub async fn erasures(&self) -> Result<Vec<UserErasure>, AccountError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let list = self.table::<UserErasure>();
            let page = list.page(UserErasure::all(), after, PAGE).await?;
            after = page.items.last().map(|found| found.sort.clone());
            all.extend(page.items.into_iter().map(|found| found.row));
            if !page.more {
                return Ok(all);
            }
        }
    }

    /// Whether something began so long ago.
    pub fn is_older(&self, begun: Timestamp, than: Duration) -> bool {
        self.age(begun) >= than
    }

    /// How long ago something began.
    pub fn age(&self, begun: Timestamp) -> Duration {
        self.now().since(begun)
    }

    /// Carries an erasure out from wherever it is.
    pub async fn go_on_erasing(&self, user: UserId) -> Result<(), AccountError> {
        if let Some(row) = self.user(user).await? {
            if row.closing.is_none()
                && let Err(error) = self.resign(user).await
            {
                if matches!(error, AccountError::LastOwner) {
                    // The other owner left meanwhile. The account stays as it is.
                    self.unlist(user).await?;
                }
                return Err(error);
            }
            let row = self.lock(user).await?;
            self.leave_all_teams(user).await?;
            let known = self.known(row).await?;
            let last = [USER_ERASURE.name, USER.name];
            for table in of_users().filter(|table| !last.contains(&table.name)) {
                self.remove_rows_of(table, &known).await?;
            }
            self.remove_rows_of(&USER, &known).await?;
        }
        self.names.forget(user);
        self.remove_late_rows(user).await?;
        let now = self.now();
        let listed = self.table::<UserErasure>();
        let looked = listed.change(UserErasure::at(user), |before| {
            let before = before.cloned();
            Ok::<_, AccountError>(before.and_then(|before| match before.gone {
                None => Some(UserErasure {
                    gone: Some(now),
                    ..before
                }),
                Some(gone) => (now.since(gone) < WRITTEN_BY).then_some(before),
            }))
        });
        looked.await?;
        Ok(())
    }

    /// Removes what somebody was writing while the user's own row went: a session that opened, a refused sign-in, a membership.
    async fn remove_late_rows(&self, user: UserId) -> Result<(), AccountError> {
        self.leave_all_teams(user).await?;
        for token in self.listed_sessions(user).await? {
            self.table::<Session>().remove(Session::at(token)).await?;
        }
        for table in of_users().filter(|table| matches!(table.of_user, OfUser::WithId)) {
            for (key, value) in self.partition(Partition::of(table, user.as_bytes())).await? {
                self.remove_row(key, value.body, |_| true).await?;
            }
        }
        Ok(())
    }

    async fn unlist(&self, user: UserId) -> Result<(), AccountError> {
        self.table::<UserErasure>().remove(UserErasure::at(user)).await?;
        Ok(())
    }

    /// Of an account that is locked, which is why an owner leaves, too: its teams do not count on it, and what began ends.
    async fn leave_all_teams(&self, user: UserId) -> Result<(), AccountError> {
        let mut after = None;
        loop {
            let page = self.table::<Membership>();
            let page = page.page(Membership::of(user), after, PAGE).await?;
            after = page.items.last().map(|found| found.sort.clone());
            for found in page.items {
                let removal = Removal {
                    tenant: found.row.tenant,
                    by: Actor::Member(user),
                    user,
                    assign_to: None,
                    confirmed: Confirmation::Shown,
                };
                match self.take_out(removal, LastOwner::Leaves).await {
                    Ok(()) | Err(AccountError::NoSuchMember) => {}
                    Err(error) => return Err(error),
                }
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    /// From here on nobody signs in, and all sessions are over.
    async fn lock(&self, user: UserId) -> Result<User, AccountError> {
        let now = self.now();
        let locked = self.table::<User>().change(User::at(user), |before| {
            let before = before.cloned().ok_or(AccountError::NoSuchMember)?;
            Ok::<_, AccountError>(Some(match before.closing {
                Some(_) => before,
                None => User {
                    closing: Some(now),
                    generation: before.generation.wrapping_add(1),
                    ..before
                },
            }))
        });
        let (_, user) = locked.await?;
        user.ok_or(AccountError::NoSuchMember)
    }

    async fn known(&self, user: User) -> Result<KnownUser, AccountError> {
        let tenants = self.store.tenants().await?;
        Ok(KnownUser {
            sessions: self.listed_sessions(user.id).await?,
            tenants: tenants.iter().map(|tenant| tenant.id).collect::<Vec<TenantId>>(),
            user,
        })
    }

    async fn listed_sessions(&self, user: UserId) -> Result<Vec<KeyHash>, AccountError> {
        let listed = Partition::of(&SESSION_OF_USER, user.as_bytes());
        let sessions = self.partition(listed).await?;
        let tokens = sessions
            .iter()
            .filter_map(|(key, _)| key.sort.first_chunk::<32>());
        Ok(tokens.map(|hash| KeyHash(*hash)).collect())
    }

    async fn partition(&self, of: Partition) -> Result<Vec<(PlainKey, PlainValue)>, AccountError> {
        let (mut all, mut after): (Vec<_>, Option<Bytes>) = (Vec::new(), None);
        loop {
            let page = self.store.plain_rows(of.clone(), after, PAGE, self.now()).await?;
            after = page.items.last().map(|(sort, _)| sort.clone());
            let keyed = page
                .items
                .into_iter()
                .map(|(sort, value)| (of.clone().row(&sort), value));
            all.extend(keyed);
            if !page.more {
                return Ok(all);
            }
        }
    }

    async fn rows_of(
        &self,
        table: &'static Table,
        known: &KnownUser,
    ) -> Result<Vec<(PlainKey, PlainValue)>, AccountError> {
        let keys = match table.of_user {
            OfUser::None => return Ok(Vec::new()),
            OfUser::WithId => {
                return self
                    .partition(Partition::of(table, known.user.id.as_bytes()))
                    .await;
            }
            OfUser::Among(all, is_theirs) => {
                let mut rows = self.partition(all()).await?;
                rows.retain(|(_, value)| is_theirs(known, &value.body));
                return Ok(rows);
            }
            OfUser::Named(keys) | OfUser::Shared(keys, _) => keys(known),
        };
        let mut all = Vec::new();
        for key in keys {
            let value = self.store.plain_row(key.clone(), self.now()).await?;
            let value = value.filter(|value| table.of_user.is_theirs(known, &value.body));
            all.extend(value.map(|value| (key, value)));
        }
        Ok(all)
    }

    async fn remove_rows_of(&self, table: &'static Table, known: &KnownUser) -> Result<(), AccountError> {
        for (key, value) in self.rows_of(table, known).await? {
            let is_theirs = |body: &[u8]| table.of_user.is_theirs(known, body);
            self.remove_row(key, value.body, is_theirs).await?;
        }
        Ok(())
    }

    async fn remove_row(
        &self,
        key: PlainKey,
        mut body: Bytes,
        is_theirs: impl Fn(&[u8]) -> bool,
    ) -> Result<(), AccountError> {
        for _ in 0..TRIES {
            let removed = self
                .store
                .replace_plain_row(key.clone(), Some(body), None, self.now());
            if removed.await? {
                return Ok(());
            }
            // Somebody changed it meanwhile.
            match self.store.plain_row(key.clone(), self.now()).await? {
                Some(value) if is_theirs(&value.body) => body = value.body,
                Some(_) | None => return Ok(()),
            }
        }
        let busy = StoreError::new(StoreErrorKind::Overloaded, "others change the same row");
        Err(busy.into())
    }
}

/// Tables whose rows are about users.
fn of_users() -> impl Iterator<Item = &'static Table> {
    ALL.iter().copied().filter(|table| table.subject == Subject::User)
}

/// A row as its subject sees it.
fn shown(table: &Table, value: &PlainValue) -> Result<Value, AccountError> {
    let row = serde_json::from_slice(&value.body).map_err(|error| {
        let what = format!("a row of {}: {:?} error", table.name, error.classify());
        StoreError::new(StoreErrorKind::Corrupt, what)
    })?;
    Ok(match row {
        Value::Object(fields) => {
            let fields = fields.into_iter();
            Value::Object(
                fields
                    .filter(|(name, _)| !table.secret.contains(&name.as_str()))
                    .collect(),
            )
        }
        other => other,
    })
}

#[cfg(test)]
mod tests;
