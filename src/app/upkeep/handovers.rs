//! Handing over the conversations of members who left, or are limited to other numbers, a page of the list after another, and
//! the contacts that those who left looked after.
//!
//! What is to be done stands in rows (`accounts/leaving.rs`), and each change is a commit of its own that happens only while the
//! conversation or the contact is still theirs. So whatever is killed in the middle, a page is done again, and nothing twice.

use std::time::Instant;

use super::each;
use super::people::{LOOK, People};
use super::progress::Progress;
use crate::accounts::{AccountError, DueHandover};
use crate::actors::request::Refusal;
use crate::actors::{TenantCommands as _, TenantPresence as _};
use crate::domain::filter::{Condition, Filter, Owner};
use crate::domain::{Author, ContactChange, ContactId, ConversationId, PhoneNumberId, TenantId, UserId};
use crate::store::contact_filter::MeantContacts;
use crate::store::contact_search::{ContactOrder, ContactSearch};
use crate::store::op::{Audience, ChangeContact, Organise, OrganiseChange, Whom};
use crate::store::tables::Leaving;
use crate::store::{ConversationFilter, ListOrder};
use crate::telemetry::metrics;

/// Conversations that are looked at in one step.
const PAGE: usize = 100;
/// Changes that are under way at once: they share commits, and leave room for what agents do.
const TOGETHER: usize = 8;

/// Which moves on since when.
type Moves = Progress<(TenantId, UserId), Leaving>;

/// Looks for handovers that are not done and carries them out, for ever.
pub(super) async fn run(people: &People) {
    let progress = Moves::default();
    let work = async {
        let mut due = each(LOOK);
        loop {
            due.tick().await;
            if let Err(error) = carry_out(people, &progress).await {
                tracing::warn!(%error, "cannot tell whether conversations are to be handed over");
            }
        }
    };
    tokio::join!(
        work,
        progress.show(|seconds| metrics::handovers_stalled_seconds().set(seconds))
    );
}

/// Takes all of them on in turn, until none can go on.
async fn carry_out(people: &People, progress: &Moves) -> Result<(), crate::accounts::AccountError> {
    let mut open = people.accounts.handovers().await?;
    let mut waiting = Vec::new();
    let look = Instant::now() + LOOK;
    loop {
        progress.note(
            open.iter()
                .chain(&waiting)
                .map(|row| ((row.tenant, row.user), row)),
        );
        let count = u64::try_from(open.len() + waiting.len()).unwrap_or(u64::MAX);
        metrics::handovers().set(metrics::number(count));
        // Now and then it is looked for new ones. They are rows: nothing is lost by that.
        if open.is_empty() || people.shutdown.has_begun() || Instant::now() >= look {
            return Ok(());
        }
        let mut left = Vec::with_capacity(open.len());
        for row in open {
            let began = Instant::now();
            match step(people, &row).await {
                Ok(after) => left.extend(after),
                // The others go on; this one is tried again with the next look.
                Err(error) => {
                    tracing::warn!(tenant.id = %row.tenant, user.id = %row.user, error, "a handover of conversations has to wait");
                    waiting.push(row);
                }
            }
            // Half of the time belongs to others.
            tokio::time::sleep(began.elapsed()).await;
        }
        open = left;
    }
}

/// Takes one on by a page; how far it is then, if there is more to do here.
pub(super) async fn step(people: &People, row: &Leaving) -> Result<Option<Leaving>, String> {
    let tenant = row.tenant;
    // Another gateway that has the tenant carries it out.
    let elsewhere = people.directory.elsewhere(tenant).await;
    if elsewhere.map_err(|refusal| refusal.to_string())?.is_some() {
        return Ok(None);
    }
    let due = people.accounts.due_handover(row).await;
    let Some(due) = due.map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    // The tenant runs here from now on, which is where its list is.
    let running = people.tenants.head(tenant).await;
    running.map_err(|refusal| refusal.to_string())?;
    let all = ConversationFilter::default();
    let store = people.directory.store();
    let page = store.page_conversations(tenant, all, row.after, PAGE).await;
    let page = page.map_err(|error| error.to_string())?;
    let theirs = page
        .items
        .iter()
        .filter(|one| one.assignee.as_ref() == Some(&due.from) && !due.keeps.admits(&one.number));
    let theirs: Vec<(ConversationId, PhoneNumberId)> =
        theirs.map(|one| (one.id, one.number.clone())).collect();
    for some in theirs.chunks(TOGETHER) {
        let changes = some.iter().map(|one| hand_over(people, tenant, &due, one));
        let changed = futures_util::future::try_join_all(changes).await;
        changed?;
    }
    let moved = u64::try_from(theirs.len()).unwrap_or(u64::MAX);
    metrics::handover_conversations_total().increment(moved);
    // Whoever is limited still looks after the contacts.
    let has_contacts = row.limited_by.is_none() && hand_over_contacts(people, tenant, &due).await? > 0;
    let mut after = Leaving {
        after: page.next,
        conversations: row.conversations.saturating_add(moved),
        ..row.clone()
    };
    // What moves to the top of the list while a pass is further down is missed by it, and is found by the next one.
    let is_one_page = row.after.is_none() && moved == 0;
    let found_none = !has_contacts && (is_one_page || row.before_pass == Some(after.conversations));
    if page.next.is_none() && found_none && row.last_pass.is_none() {
        // What was allowed before the member left, and came late, is found by one more pass.
        after.last_pass = Some(people.accounts.last_pass());
        after.before_pass = Some(after.conversations);
        let noted = people.accounts.note_handover(row, &after).await;
        noted.map_err(|error| error.to_string())?;
        return Ok(None);
    }
    if page.next.is_none() && found_none {
        let done = people.accounts.finish_handover(row, &due).await;
        done.map_err(|error| error.to_string())?;
        tracing::info!(
            tenant.id = %tenant, user.id = %row.user, conversations = row.conversations,
            "what a member who left, or is limited, had is handed over"
        );
        return Ok(None);
    }
    if page.next.is_none() {
        after.before_pass = Some(after.conversations);
    }
    let noted = people.accounts.note_handover(row, &after).await;
    noted.map_err(|error| error.to_string())?;
    Ok(Some(after))
}

async fn hand_over(
    people: &People,
    tenant: TenantId,
    due: &DueHandover,
    (conversation, number): &(ConversationId, PhoneNumberId),
) -> Result<(), String> {
    let to = match &due.to {
        // Whoever is limited to other numbers would never see it.
        Some(to) => match people.accounts.demand_assignable(tenant, to, number).await {
            Ok(()) => Some(to.clone()),
            Err(AccountError::AssigneeLimited) => None,
            Err(error) => return Err(error.to_string()),
        },
        None => None,
    };
    let change = Organise {
        conversation: *conversation,
        author: Author::Agent { id: due.by.clone() },
        change: OrganiseChange::Reassign {
            from: due.from.clone(),
            to,
        },
    };
    match people.tenants.organise(tenant, change).await {
        // Erased meanwhile.
        Ok(()) | Err(Refusal::NotFound(_)) => Ok(()),
        Err(refusal) => Err(refusal.to_string()),
    }
}

/// Hands over a page of contacts; how many they were.
async fn hand_over_contacts(people: &People, tenant: TenantId, due: &DueHandover) -> Result<usize, String> {
    let store = people.directory.store();
    let theirs = Filter::Is(Condition::Owner(Owner::User(due.from.clone())));
    let search = ContactSearch {
        store: store.as_ref(),
        tenant,
        condition: &MeantContacts::new(theirs, None, Vec::new(), due.left),
        sort: ContactOrder::Created,
        order: ListOrder::Ascending,
    };
    let mut after = None;
    loop {
        let page = search
            .page(after, PAGE)
            .await
            .map_err(|error| error.to_string())?;
        let contacts: Vec<ContactId> = page.contacts.iter().map(|contact| contact.id).collect();
        for some in contacts.chunks(TOGETHER) {
            let changes = some
                .iter()
                .map(|contact| hand_over_contact(people, tenant, due, *contact));
            futures_util::future::try_join_all(changes).await?;
        }
        // Those are not found any more: the next page begins where this one did.
        if !contacts.is_empty() || page.next.is_none() {
            return Ok(contacts.len());
        }
        after = page.next;
    }
}

async fn hand_over_contact(
    people: &People,
    tenant: TenantId,
    due: &DueHandover,
    contact: ContactId,
) -> Result<(), String> {
    let change = ChangeContact {
        who: Whom::Known(contact),
        changes: vec![ContactChange::HandOver {
            from: due.from.clone(),
            to: due.to.clone(),
        }],
        by: Author::Agent { id: due.by.clone() },
        audience: Audience::Agents,
    };
    match people.tenants.change_contact(tenant, change).await {
        // Erased meanwhile.
        Ok(_) | Err(Refusal::NotFound(_)) => Ok(()),
        Err(refusal) => Err(refusal.to_string()),
    }
}
