//! HTTP: the one place that knows it. Parses at the edge, asks the core through its ports, answers.
//!
//! All routes stand on this page. What each call takes and gives is `docs/api.md`.

mod accept_pacing;
mod admin;
mod audit;
pub mod auth;
mod body;
mod broadcasts;
mod business;
mod canned_replies;
mod client_address;
mod client_stream;
mod connection;
mod connection_limits;
mod console;
mod contact_export;
mod contacts;
mod conversations;
mod cursor;
mod demo;
mod erasure;
pub mod error;
mod events;
mod export_file;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gcra;
mod health;
mod idempotency;
mod imports;
pub mod json;
mod limit;
mod media;
mod messages;
mod meter;
mod middleware;
mod name;
mod named_teams;
mod nothing_here;
mod numbers;
mod organise;
mod origin;
mod outgoing;
mod params;
mod profile;
mod proof;
mod qr;
mod quotas;
mod route;
mod second_factor;
mod segments;
mod server;
mod sessions;
mod sign_in_provider;
mod sign_ins;
mod sign_up;
mod single_sign_on;
mod state;
mod subscriptions;
mod team;
mod templates;
mod tenant_rows;
mod tls;
mod uploads;
mod usage;
mod webhook;
pub mod ws;
mod yield_now;

#[cfg(test)]
mod tests;

use actix_web::guard::fn_guard;
use actix_web::web::{self, ServiceConfig, delete, post, put, scope};

use crate::telemetry::labels::HttpRoute;
use meter::RouteMeter;
use route::{ADMIN, TENANT, at, has_operator, read};

pub use auth::{AdminCall, Call, CanExport, CanManage, CanManageAgents, CanRead, CanSend, StreamCall};
pub use demo::{DemoPerson, DemoSession};
pub use error::{ApiError, ErrorCode};
pub use quotas::QuotaCache;
pub use server::{Listeners, Serves, http_server};
pub use state::{ApiState, Foundation};
pub use tls::{PairError, PairFiles, Tls};

/// Every route there is. Each is a resource, so that a wrong method is told from a wrong path.
pub fn routes(app: &mut ServiceConfig, serves: Serves) {
    if serves != Serves::Public {
        app.configure(operator_routes);
    }
    if serves != Serves::Operators {
        app.configure(public_routes);
    }
    app.service(at(HttpRoute::Healthz).route(read().to(health::live)))
        .service(at(HttpRoute::Readyz).route(read().to(health::ready)))
        // At the operators' listener, too: its calls are there alone, and a page calls only where it came from.
        .service(at(HttpRoute::Page).route(read().to(console::page)))
        .service(at(HttpRoute::ConsoleFile).route(read().to(console::file)))
        .app_data(RouteMeter::new(HttpRoute::Nowhere))
        .default_service(web::to(nothing_here::nothing));
}

/// For operators and scrapers.
fn operator_routes(app: &mut ServiceConfig) {
    app.service(scope(ADMIN).guard(fn_guard(has_operator)).configure(admin_routes))
        .service(scope(ADMIN).default_service(web::to(nothing_here::no_operator)))
        .service(at(HttpRoute::Metrics).route(read().to(health::metrics)));
}

/// For Meta, the payment provider, tenants and agents.
fn public_routes(app: &mut ServiceConfig) {
    app.service(
        at(HttpRoute::Webhooks)
            .route(post().to(webhook::receive))
            .route(read().to(webhook::handshake)),
    )
    .service(at(HttpRoute::PaymentWebhooks).route(post().to(webhook::payments::receive)))
    .service(scope(TENANT).configure(tenant_routes))
    .service(at(HttpRoute::LinkedMedia).route(read().to(media::linked)))
    .service(at(HttpRoute::DemoSession).route(read().to(demo::session)));
}

/// Calls with a tenant's key.
fn tenant_routes(v1: &mut ServiceConfig) {
    // Looked at in this order: paths without variables first, and of those the one that thousands ask for at once.
    // A handshake has no head without a socket.
    v1.service(at(HttpRoute::Socket).route(web::get().to(ws::open)))
        .service(at(HttpRoute::Ticket).route(post().to(ws::ticket)))
        .service(at(HttpRoute::Messages).route(post().to(messages::submit)))
        .service(at(HttpRoute::ScheduledMessages).route(read().to(messages::scheduled::list)))
        .service(at(HttpRoute::Conversations).route(read().to(conversations::list)))
        .service(at(HttpRoute::Events).route(read().to(events::list)))
        .service(
            at(HttpRoute::Numbers)
                .route(read().to(numbers::list))
                .route(post().to(business::put_number)),
        )
        .service(
            at(HttpRoute::Message)
                .route(read().to(messages::show))
                .route(delete().to(messages::withdraw)),
        )
        .service(at(HttpRoute::Resolve).route(post().to(messages::resolve)))
        .service(at(HttpRoute::Conversation).route(read().to(conversations::show)))
        .service(at(HttpRoute::History).route(read().to(conversations::messages)))
        .service(at(HttpRoute::Notes).route(post().to(organise::note)))
        .service(at(HttpRoute::Assign).route(post().to(organise::assign)))
        .service(at(HttpRoute::Labels).route(post().to(organise::label)))
        .service(at(HttpRoute::Status).route(post().to(organise::status)))
        .service(at(HttpRoute::Read).route(post().to(organise::read)))
        .service(at(HttpRoute::Audit).route(read().to(audit::list)))
        .service(at(HttpRoute::AuditExport).route(read().to(audit::export)))
        .service(at(HttpRoute::AuditVerify).route(read().to(audit::verify)))
        .service(at(HttpRoute::CannedReplies).route(read().to(canned_replies::list)))
        .service(
            at(HttpRoute::CannedReply)
                .route(put().to(canned_replies::put))
                .route(delete().to(canned_replies::delete)),
        )
        // Before single contacts, whose ids could be `count` and `export`.
        .configure(contact_file_routes)
        .configure(contact_routes)
        .configure(template_routes)
        .configure(broadcast_routes)
        .service(at(HttpRoute::Media).route(post().to(uploads::upload)))
        .service(at(HttpRoute::MediaUsage).route(read().to(uploads::usage)))
        .service(at(HttpRoute::Uploads).route(post().to(uploads::begin)))
        .service(
            at(HttpRoute::Upload)
                .route(read().to(uploads::look))
                .route(put().to(uploads::add)),
        )
        .service(at(HttpRoute::QuickFiles).route(read().to(uploads::list_quick)))
        .service(
            at(HttpRoute::QuickFile)
                .route(put().to(uploads::put_quick))
                .route(delete().to(uploads::delete_quick)),
        )
        .service(at(HttpRoute::MediaFile).route(read().to(media::show)))
        .service(at(HttpRoute::MediaLink).route(post().to(media::link)))
        .configure(people_routes)
        .configure(business_routes)
        .configure(ws::worker_data);
}

/// Contacts, and what a business notes of them.
fn contact_routes(v1: &mut ServiceConfig) {
    v1.service(
        at(HttpRoute::Contacts)
            .route(read().to(contacts::list))
            .route(post().to(contacts::make)),
    )
    .service(at(HttpRoute::Duplicates).route(read().to(contacts::duplicates::list)))
    .service(at(HttpRoute::ContactMerge).route(post().to(contacts::merges::merge)))
    .service(at(HttpRoute::Merges).route(read().to(contacts::merges::list)))
    .service(at(HttpRoute::MergeUndo).route(post().to(contacts::merges::undo)))
    .service(at(HttpRoute::Consents).route(read().to(contacts::consents::list)))
    .service(at(HttpRoute::Consent).route(put().to(contacts::consents::put)))
    .service(
        at(HttpRoute::ContactBlock)
            .route(put().to(contacts::block::put))
            .route(delete().to(contacts::block::delete)),
    )
    .service(
        at(HttpRoute::Contact)
            .route(read().to(contacts::show))
            .route(put().to(contacts::change))
            .route(delete().to(contacts::erasing::erase)),
    )
    .service(
        at(HttpRoute::ContactNotes)
            .route(read().to(contacts::notes::list))
            .route(post().to(contacts::notes::write)),
    )
    .service(at(HttpRoute::ContactNote).route(delete().to(contacts::notes::delete)))
    .service(at(HttpRoute::Attributes).route(read().to(contacts::attributes::list)))
    .service(
        at(HttpRoute::Attribute)
            .route(put().to(contacts::attributes::put))
            .route(delete().to(contacts::attributes::delete)),
    )
    .service(
        at(HttpRoute::Lists)
            .route(read().to(contacts::lists::list))
            .route(post().to(contacts::lists::make)),
    )
    .service(
        at(HttpRoute::ContactList)
            .route(put().to(contacts::lists::rename))
            .route(delete().to(contacts::lists::delete)),
    )
    .service(at(HttpRoute::ListMembers).route(post().to(contacts::lists::members)));
}

/// Segments of contacts, and files of them.
fn contact_file_routes(v1: &mut ServiceConfig) {
    v1.service(
        at(HttpRoute::Segments)
            .route(read().to(segments::list))
            .route(post().to(segments::make)),
    )
    .service(at(HttpRoute::SegmentExplain).route(post().to(segments::explain)))
    .service(
        at(HttpRoute::Segment)
            .route(put().to(segments::change))
            .route(delete().to(segments::remove)),
    )
    .service(at(HttpRoute::ContactCount).route(post().to(segments::count)))
    .service(at(HttpRoute::ContactExport).route(read().to(contact_export::export)))
    .service(
        at(HttpRoute::Imports)
            .route(read().to(imports::list))
            .route(post().to(imports::upload)),
    )
    .service(
        at(HttpRoute::Import)
            .route(read().to(imports::show))
            .route(delete().to(imports::remove)),
    )
    .service(at(HttpRoute::ImportStart).route(post().to(imports::start)))
    .service(at(HttpRoute::ImportErrors).route(read().to(imports::errors)));
}

/// Broadcasts.
fn broadcast_routes(v1: &mut ServiceConfig) {
    v1.service(
        at(HttpRoute::Broadcasts)
            .route(read().to(broadcasts::list))
            .route(post().to(broadcasts::make)),
    )
    .service(
        at(HttpRoute::Broadcast)
            .route(read().to(broadcasts::show))
            .route(put().to(broadcasts::change))
            .route(delete().to(broadcasts::remove)),
    )
    .service(at(HttpRoute::BroadcastAudience).route(put().to(broadcasts::upload)))
    .service(at(HttpRoute::BroadcastPlan).route(post().to(broadcasts::plan)))
    .service(at(HttpRoute::BroadcastDryRun).route(read().to(broadcasts::dry_run)))
    .service(at(HttpRoute::BroadcastLaunch).route(post().to(broadcasts::launch)))
    .service(at(HttpRoute::BroadcastPause).route(post().to(broadcasts::pause)))
    .service(at(HttpRoute::BroadcastResume).route(post().to(broadcasts::resume)))
    .service(at(HttpRoute::BroadcastCancel).route(post().to(broadcasts::cancel)))
    .service(at(HttpRoute::BroadcastRetry).route(post().to(broadcasts::retry)))
    .service(at(HttpRoute::BroadcastRecipients).route(read().to(broadcasts::recipients)))
    .service(at(HttpRoute::BroadcastExport).route(read().to(broadcasts::export)));
}

/// Message templates.
fn template_routes(v1: &mut ServiceConfig) {
    v1.service(
        at(HttpRoute::Templates)
            .route(read().to(templates::list))
            .route(post().to(templates::create)),
    )
    .service(
        at(HttpRoute::TemplateSync)
            .route(read().to(templates::synced))
            .route(post().to(templates::sync)),
    )
    .service(at(HttpRoute::TemplateCheck).route(post().to(templates::check)))
    .service(at(HttpRoute::TemplateDefinitionCheck).route(post().to(templates::check_definition)))
    .service(at(HttpRoute::TemplateLibrary).route(read().to(templates::library)))
    .service(
        at(HttpRoute::Template)
            .route(read().to(templates::show))
            .route(put().to(templates::edit))
            .route(delete().to(templates::delete)),
    )
    .service(at(HttpRoute::TemplateVersions).route(read().to(templates::versions)));
}

/// Calls of people: signing in and out, and who is in the team.
fn people_routes(v1: &mut ServiceConfig) {
    v1.service(
        at(HttpRoute::Session)
            .route(post().to(sessions::sign_in))
            .route(read().to(sessions::show))
            .route(delete().to(sessions::sign_out)),
    )
    .service(at(HttpRoute::SessionTenant).route(put().to(sessions::change_tenant)))
    .service(at(HttpRoute::SessionPassword).route(put().to(sessions::change_password)))
    .service(
        at(HttpRoute::SecondFactor)
            .route(post().to(second_factor::offer))
            .route(put().to(second_factor::turn_on))
            .route(delete().to(second_factor::remove)),
    )
    .service(at(HttpRoute::RecoveryCodes).route(post().to(second_factor::renew_recovery_codes)))
    .service(at(HttpRoute::SignIns).route(read().to(sign_ins::list)))
    .service(
        at(HttpRoute::SessionProvider)
            .route(read().to(single_sign_on::connections))
            .route(post().to(single_sign_on::connect))
            .route(delete().to(single_sign_on::disconnect)),
    )
    .service(at(HttpRoute::SignIn).route(web::get().to(single_sign_on::leave)))
    .service(at(HttpRoute::SignInCallback).route(web::get().to(single_sign_on::come_back)))
    .service(at(HttpRoute::Password).route(put().to(sessions::reset_password)))
    .service(at(HttpRoute::ForgottenPassword).route(post().to(sessions::forgotten)))
    .service(
        at(HttpRoute::Profile)
            .route(read().to(profile::show))
            .route(put().to(profile::change))
            .route(delete().to(erasure::erase)),
    )
    .service(at(HttpRoute::ProfilePolicy).route(put().to(profile::accept_policy)))
    .service(at(HttpRoute::ProfileEmail).route(put().to(profile::change_email)))
    .service(at(HttpRoute::ProfileEmailConfirm).route(post().to(profile::confirm_email)))
    .service(
        at(HttpRoute::SignUp)
            .route(read().to(sign_up::show))
            .route(post().to(sign_up::begin)),
    )
    .service(at(HttpRoute::SignUpLook).route(post().to(sign_up::look)))
    .service(at(HttpRoute::SignUpComplete).route(post().to(sign_up::complete)))
    .service(at(HttpRoute::ProfileExport).route(read().to(erasure::export)))
    .service(at(HttpRoute::Sessions).route(read().to(sessions::list)))
    .service(at(HttpRoute::OneSession).route(delete().to(sessions::end)))
    .service(at(HttpRoute::InvitationLook).route(post().to(team::look)))
    .service(at(HttpRoute::InvitationAccept).route(post().to(team::accept)))
    .service(at(HttpRoute::Team).route(read().to(team::list)))
    .service(
        at(HttpRoute::Invitations)
            .route(post().to(team::invite_member))
            .route(read().to(team::invitations)),
    )
    .service(at(HttpRoute::Invitation).route(delete().to(team::withdraw)))
    .service(
        at(HttpRoute::NamedTeams)
            .route(read().to(named_teams::list))
            .route(post().to(named_teams::make)),
    )
    .service(
        at(HttpRoute::NamedTeam)
            .route(put().to(named_teams::change))
            .route(delete().to(named_teams::remove)),
    )
    .service(at(HttpRoute::TeamOwner).route(put().to(team::hand_over)))
    .service(
        at(HttpRoute::TeamMember)
            .route(put().to(team::set_role))
            .route(delete().to(team::remove)),
    );
}

/// What a business sets for itself.
fn business_routes(v1: &mut ServiceConfig) {
    v1.service(
        at(HttpRoute::Business)
            .route(read().to(business::show))
            .route(put().to(business::put)),
    )
    .service(at(HttpRoute::BusinessRetention).route(put().to(business::change_retention)))
    .service(at(HttpRoute::BusinessRetentionPreview).route(post().to(business::preview_retention)))
    .service(
        at(HttpRoute::OwnSignInProvider)
            .route(read().to(sign_in_provider::show))
            .route(put().to(sign_in_provider::set))
            .route(delete().to(sign_in_provider::remove)),
    )
    .service(
        at(HttpRoute::OptOutWords)
            .route(read().to(business::opt_out_words))
            .route(put().to(business::put_opt_out_words)),
    )
    .service(at(HttpRoute::BusinessWebhook).route(read().to(business::webhook)))
    .service(
        at(HttpRoute::OwnKeys)
            .route(read().to(business::list_keys))
            .route(post().to(business::create_key)),
    )
    .service(at(HttpRoute::OwnKey).route(delete().to(business::revoke_key)))
    .service(at(HttpRoute::Quotas).route(read().to(quotas::show)))
    .service(at(HttpRoute::Usage).route(read().to(usage::show)))
    .service(at(HttpRoute::Subscription).route(read().to(subscriptions::show)))
    .service(at(HttpRoute::OwnNumberCheck).route(read().to(business::check_number)));
}

/// Calls with an operator's token.
fn admin_routes(admin: &mut ServiceConfig) {
    admin
        .service(
            at(HttpRoute::Tenants)
                .route(post().to(admin::tenants::create))
                .route(read().to(admin::tenants::list)),
        )
        .service(at(HttpRoute::Tenant).route(read().to(admin::tenants::show)))
        .service(
            at(HttpRoute::Retention)
                .route(read().to(admin::retention::show))
                .route(put().to(admin::retention::change)),
        )
        .service(
            at(HttpRoute::TenantQuotas)
                .route(read().to(quotas::show_of))
                .route(put().to(quotas::change)),
        )
        .service(
            at(HttpRoute::TenantSubscription)
                .route(read().to(subscriptions::show_of))
                .route(put().to(subscriptions::change)),
        )
        .service(at(HttpRoute::TenantUsage).route(read().to(usage::show_of)))
        .service(at(HttpRoute::RetentionPreview).route(post().to(admin::retention::preview)))
        .service(
            at(HttpRoute::TenantNumbers)
                .route(post().to(admin::numbers::put))
                .route(read().to(admin::numbers::list)),
        )
        .service(at(HttpRoute::NumberCheck).route(read().to(admin::numbers::check)))
        .service(
            at(HttpRoute::Keys)
                .route(post().to(admin::keys::create))
                .route(read().to(admin::keys::list)),
        )
        .service(at(HttpRoute::Key).route(delete().to(admin::keys::revoke)))
        .service(
            at(HttpRoute::Operators)
                .route(post().to(admin::operators::create))
                .route(read().to(admin::operators::list)),
        )
        .service(at(HttpRoute::TenantInvitations).route(post().to(admin::people::invite)))
        .service(at(HttpRoute::UserExport).route(post().to(erasure::export_for)))
        .service(at(HttpRoute::UserErasure).route(post().to(erasure::erase_for)))
        .service(at(HttpRoute::SignUpInvitations).route(post().to(sign_up::invite)))
        .service(
            at(HttpRoute::TenantSignInProvider)
                .route(read().to(sign_in_provider::show_of))
                .route(put().to(sign_in_provider::set_of))
                .route(delete().to(sign_in_provider::remove_of)),
        )
        .service(at(HttpRoute::PasswordResets).route(post().to(admin::people::reset)))
        .service(at(HttpRoute::SecondFactorRemovals).route(post().to(admin::people::remove_second_factor)))
        .service(at(HttpRoute::Operator).route(delete().to(admin::operators::revoke)))
        .service(at(HttpRoute::AdminAudit).route(read().to(admin::audit::list)))
        .service(at(HttpRoute::AdminAuditExport).route(read().to(admin::audit::export)))
        .service(at(HttpRoute::AdminAuditVerify).route(read().to(admin::audit::verify)))
        .service(at(HttpRoute::TenantMedia).route(read().to(admin::media::usage)))
        .service(at(HttpRoute::MediaSweep).route(post().to(admin::media::sweep)))
        .service(at(HttpRoute::Quarantine).route(read().to(admin::quarantine::list)))
        .service(at(HttpRoute::Replay).route(post().to(admin::quarantine::replay)));
}
