//! What the business means: tenants, contacts, messages, statuses, windows and rates.
//!
//! Everything here is pure: no I/O, no async, no actors, and no reading of clocks or chance. Text from outside is parsed
//! into these types once, at the edge, and never re-validated inside.

pub mod audit;
pub mod backoff;
pub mod broadcast;
pub mod cards;
pub mod clock;
pub mod consent;
pub mod contact;
pub mod contact_details;
pub mod contact_terms;
pub mod content;
pub mod conversation;
pub mod country;
pub mod date;
pub mod display_name;
pub mod email;
pub mod event;
pub mod filter;
pub mod ids;
pub mod issuer;
pub mod limit;
pub mod media;
pub mod message;
pub mod naming;
pub mod national;
pub mod network;
pub mod opt_out_words;
pub mod pending;
pub mod phone;
pub mod quantity;
pub mod quota;
pub mod rate;
pub mod rate_card;
pub mod reach;
pub mod retention;
pub mod roles;
pub mod sketch;
pub mod status;
pub mod subscription;
pub mod template;
pub mod token;
pub mod usage;

pub use audit::{AuditAction, Month};
pub use backoff::Backoff;
pub use broadcast::{
    BadResult, BroadcastCounts, BroadcastProblem, BroadcastProgress, BroadcastRecipient, BroadcastRun,
    BroadcastTally, Due, LastBroadcast, LocalStart, LocalTime, Reached, Reaction, RecentResults,
    RecipientHours, RecipientOutcome, ResultShare, SendingHours, Suppression, Timetable, ToldProblem,
    WeekHours, WhoseZone, Zone, ZoneSet, ZoneSpan, ZoneTooLate,
};
pub use cards::{Card, Facts, MergeDone};
pub use clock::{Clock, SteadyClock, SystemClock, TestClock, Timestamp};
pub use consent::{Consent, ConsentPurpose, ConsentSource, ConsentState, MarketingWish, Purpose, WishSource};
pub use contact::{Alias, AliasKind, Contact, ContactAliases, Links};
pub use contact_details::{
    AttributeKey, AttributeShape, AttributeValue, ContactChange, ContactLabel, DetailLimit, GivenName,
};
pub use contact_terms::{Term, TermKey, TermPlace};
pub use content::{Content, ContentError, ContentKind};
pub use conversation::{Conversation, ConversationChanges, ConversationStatus, ServiceWindow};
pub use country::CountryCode;
pub use display_name::display_name;
pub use event::{Event, EventKind};
pub use ids::{
    AgentId, BroadcastId, ClientMessageId, ContactId, ConversationId, Epoch, Fence, IdError, IdempotencyKey,
    ImportId, JournalId, ListId, MessageId, NameDigest, NoteId, PhoneNumberId, SegmentId, Seq, TeamId,
    TemplateId, TenantId, UserId, WabaId, Wamid, WamidHash,
};
pub use issuer::Issuer;
pub use limit::{MemberLimit, NumberLimit};
pub use media::{MediaId, MediaKind, MediaOrigin, MediaState, MessageMedia, NamedMedia};
pub use message::{Author, Delivery, Direction, Message, MetaError, UnknownPolicy};
pub use naming::{FormerName, TakenName};
pub use opt_out_words::{Keyword, OptOutWords};
pub use pending::PendingChange;
pub use quantity::quantity;
pub use quota::Quota;
pub use rate::{Priority, SendRate};
pub use rate_card::{Micros, RateCard};
pub use retention::Retention;
pub use status::{DeliveryState, StatusTimes};
pub use template::{TemplateName, TemplateStatus};
pub use token::AttemptToken;
