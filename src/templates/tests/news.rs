//! What webhooks tell, and that it never takes anybody back in time.

use super::*;
use crate::whatsapp::webhook::{TemplateChange, TemplateNews};

fn news(change: TemplateChange, at: Timestamp) -> TemplateNews {
    TemplateNews {
        name: "a".to_owned(),
        language: "en-US".to_owned(),
        change,
        at: Some(at),
    }
}

fn paused(at: Timestamp) -> TemplateNews {
    let reason = Some("for 3 hours".to_owned());
    news(TemplateChange::Status(TemplateStatus::Paused, reason), at)
}

fn approved(at: Timestamp) -> TemplateNews {
    news(TemplateChange::Status(TemplateStatus::Approved, None), at)
}

impl Stage {
    /// Some time later.
    fn later(&self, seconds: u64) -> Timestamp {
        self.clock.advance(Duration::from_secs(seconds));
        self.clock.now()
    }

    async fn apply(&self, news: &TemplateNews) {
        self.book.apply(ONE, &waba(), news).await.unwrap();
    }
}

#[tokio::test]
async fn news_are_applied_at_once_and_older_ones_change_nothing() {
    let stage = Stage::synced(vec![listed("a", "APPROVED")]).await;
    let (first, second) = (stage.later(60), stage.later(60));
    stage.later(60);
    stage.apply(&paused(second)).await;
    let row = stage.row("a").await;
    assert_eq!(
        (row.status, row.reason.as_deref()),
        (TemplateStatus::Paused, Some("for 3 hours"))
    );
    // A repetition, and one that was late.
    stage.apply(&paused(second)).await;
    stage.apply(&approved(first)).await;
    assert_eq!(stage.row("a").await.status, TemplateStatus::Paused);
    // Another part has a time of its own.
    stage
        .apply(&news(TemplateChange::Quality("RED".to_owned()), first))
        .await;
    stage
        .apply(&news(TemplateChange::Category("MARKETING".to_owned()), second))
        .await;
    let row = stage.row("a").await;
    assert_eq!(
        (row.quality.as_str(), row.category.as_str()),
        ("RED", "MARKETING")
    );
    let told: Vec<_> = stage.history("a").await;
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[1], ("PAUSED".to_owned(), "webhook: for 3 hours".to_owned()));
}

#[tokio::test]
async fn news_that_are_told_again_after_a_list_change_nothing() {
    let stage = Stage::synced(vec![listed("a", "APPROVED")]).await;
    let told = stage.later(60);
    stage.apply(&paused(told)).await;
    assert!(matches!(stage.sync().await, Synced::Done(_)));
    stage.apply(&paused(told)).await;
    assert_eq!(stage.row("a").await.status, TemplateStatus::Approved);
}

#[tokio::test]
async fn news_that_come_late_last_until_the_list_that_they_ask_for() {
    let stage = Stage::with(vec![listed("a", "APPROVED")]).await;
    let before = stage.later(60);
    stage.later(60);
    assert!(matches!(stage.sync().await, Synced::Done(_)));
    stage.apply(&paused(before)).await;
    assert!(matches!(stage.sync().await, Synced::Done(_)));
    assert_eq!(stage.row("a").await.status, TemplateStatus::Approved);
}

#[tokio::test]
async fn a_list_that_was_asked_for_before_the_news_does_not_undo_them() {
    let stage = Stage::synced(vec![listed("a", "APPROVED")]).await;
    let open = stage.meta.hold();
    let list = stage.sync();
    let told = async {
        let now = stage.later(5);
        stage.apply(&paused(now)).await;
        drop(open);
    };
    let (synced, ()) = tokio::join!(list, told);
    assert!(matches!(synced, Synced::Done(_)));
    assert_eq!(stage.row("a").await.status, TemplateStatus::Paused);
    // The next one, which was asked for after, tells how it is now.
    stage.later(5);
    assert!(matches!(stage.sync().await, Synced::Done(_)));
    assert_eq!(stage.row("a").await.status, TemplateStatus::Approved);
}

#[tokio::test]
async fn a_clock_of_metas_that_is_ahead_does_not_outlast_the_next_list() {
    let stage = Stage::synced(vec![listed("a", "APPROVED")]).await;
    let now = stage.later(60);
    stage.apply(&paused(now.after(Duration::from_secs(86_400)))).await;
    assert_eq!(stage.row("a").await.status, TemplateStatus::Paused);
    assert!(matches!(stage.sync().await, Synced::Done(_)));
    assert_eq!(stage.row("a").await.status, TemplateStatus::Approved);
}

#[tokio::test]
async fn news_of_a_template_that_is_not_known_make_none() {
    let stage = Stage::synced(Vec::new()).await;
    let now = stage.later(60);
    stage.apply(&paused(now)).await;
    let id = TemplateName::new(waba(), "a", "en_US").id();
    assert_eq!(stage.book.get(ONE, id).await.unwrap(), None);
}
