//! When accounts are looked up.

use tokio::task::JoinHandle;

use super::*;
use crate::shutdown::Shutdown;
use crate::telemetry::labels::NumberQuality;
use crate::whatsapp::webhook::{NumberNews, Warning};
use crate::whatsapp::webhook::{TemplateChange, TemplateNews};

struct KeepingUp {
    stage: Stage,
    shutdown: Shutdown,
    task: JoinHandle<()>,
}

impl Stage {
    async fn check_sendable(&self) {
        self.book.check(ONE, &waba(), &used("a", &["Ana"])).await.unwrap();
    }
}

impl KeepingUp {
    async fn begin(templates: Vec<Value>) -> Self {
        let stage = Stage::with(templates).await;
        let shutdown = Shutdown::default();
        let (book, told) = (Arc::clone(&stage.book), shutdown.clone());
        let task = tokio::spawn(async move { book.keep_up(&told).await });
        Self {
            stage,
            shutdown,
            task,
        }
    }

    /// Lets time pass, for timers and for the clock.
    async fn pass(&self, time: Duration) {
        let step = Duration::from_secs(5).min(time);
        let mut left = time;
        while !left.is_zero() {
            tokio::time::advance(step.min(left)).await;
            self.stage.clock.advance(step.min(left));
            left = left.saturating_sub(step);
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
        }
    }

    fn lists(&self) -> usize {
        self.stage.meta.calls().len()
    }

    async fn end(self) {
        self.shutdown.begin();
        self.task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_is_looked_up_at_the_start_twice_a_day_and_soon_after_news() {
    let keeping = KeepingUp::begin(vec![listed("a", "APPROVED")]).await;
    keeping.pass(Duration::from_secs(60)).await;
    assert_eq!(keeping.lists(), 1);
    keeping.pass(Duration::from_hours(10)).await;
    assert_eq!(keeping.lists(), 1, "not before its time");
    keeping.pass(Duration::from_hours(4)).await;
    assert_eq!(keeping.lists(), 2);
    keeping.pass(Duration::from_secs(60)).await;
    for _ in 0..20 {
        let news = TemplateNews {
            name: "a".to_owned(),
            language: "en_US".to_owned(),
            change: TemplateChange::Notice,
            at: None,
        };
        keeping.stage.book.apply(ONE, &waba(), &news).await.unwrap();
    }
    keeping.pass(Duration::from_secs(20)).await;
    assert_eq!(keeping.lists(), 3, "once for all of them");
    keeping.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_ever_less_often() {
    let keeping = KeepingUp::begin(vec![listed("a", "APPROVED")]).await;
    keeping.stage.meta.fail_from(0);
    keeping.pass(Duration::from_hours(6)).await;
    let failed = keeping.lists();
    assert!((6..20).contains(&failed), "{failed} times in six hours");
    keeping.stage.meta.fail_from(usize::MAX);
    keeping.pass(Duration::from_hours(2)).await;
    let account = keeping.stage.book.account(ONE, &waba()).await.unwrap().unwrap();
    assert!(account.error.is_none() && account.synced_at.is_some());
    keeping.end().await;
}

#[tokio::test(start_paused = true)]
async fn messages_with_unknown_templates_do_not_flood_meta() {
    let keeping = KeepingUp::begin(vec![listed("a", "APPROVED")]).await;
    keeping.pass(Duration::from_secs(60)).await;
    let before = keeping.lists();
    for _ in 0..60 {
        let refused = keeping.stage.book.check(ONE, &waba(), &used("nope", &[])).await;
        assert_eq!(refused, Err(TemplateRefusal::Unknown));
        keeping.pass(Duration::from_secs(1)).await;
    }
    let asked = keeping.lists() - before;
    assert!((1..=3).contains(&asked), "{asked} lists in a minute");
    keeping.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_program_that_keeps_trying_a_paused_template_does_not_use_up_what_meta_allows() {
    let keeping = KeepingUp::begin(vec![listed("a", "PAUSED")]).await;
    keeping.pass(Duration::from_secs(60)).await;
    let before = keeping.lists();
    for _ in 0..3 * 60 {
        let refused = keeping.stage.book.check(ONE, &waba(), &used("a", &["Ana"])).await;
        assert_eq!(refused, Err(TemplateRefusal::NotSendable(TemplateStatus::Paused)));
        keeping.pass(Duration::from_secs(60)).await;
    }
    let asked = keeping.lists() - before;
    assert!((3..=12).contains(&asked), "{asked} lists in three hours");
    // Once something changed it is soon known again.
    keeping.stage.meta.list(vec![listed("a", "APPROVED")]);
    keeping.stage.book.look_up_now(ONE, &waba());
    assert!(keeping.stage.book.is_looked_up_soon(ONE, &waba()));
    keeping.pass(Duration::from_secs(60)).await;
    assert!(!keeping.stage.book.is_looked_up_soon(ONE, &waba()));
    keeping.stage.check_sendable().await;
    keeping.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_account_that_no_number_is_in_any_more_is_looked_up_no_more() {
    let keeping = KeepingUp::begin(vec![listed("a", "APPROVED")]).await;
    keeping.pass(Duration::from_secs(60)).await;
    let before = keeping.lists();
    let number = PhoneNumberId::parse("101").unwrap();
    let moved = Number {
        waba: WabaId::parse("888").unwrap(),
        ..keeping.stage.store.number(number).await.unwrap().unwrap()
    };
    keeping.stage.store.put_number(moved).await.unwrap();
    keeping.pass(Duration::from_hours(30)).await;
    let old = keeping.stage.meta.calls().split_off(before);
    let old: Vec<&String> = old.iter().filter(|call| call.contains(waba().as_str())).collect();
    assert!(old.is_empty(), "{old:?}");
    assert!(keeping.lists() > before, "the new one is looked up");
    keeping.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_new_is_looked_up_when_somebody_asks_for_it() {
    let keeping = KeepingUp::begin(Vec::new()).await;
    keeping.pass(Duration::from_secs(60)).await;
    let new = WabaId::parse("777").unwrap();
    let number = Number {
        id: PhoneNumberId::parse("102").unwrap(),
        tenant: ONE,
        waba: new.clone(),
        app: None,
        display: "+1 556".to_owned(),
        rate: SendRate::STANDARD,
        access_token: AccessToken::new("token"),
    };
    keeping.stage.store.put_number(number).await.unwrap();
    keeping.stage.book.look_up_now(ONE, &new);
    keeping.pass(Duration::from_secs(5)).await;
    let account = keeping.stage.book.account(ONE, &new).await.unwrap();
    assert!(account.unwrap().synced_at.is_some());
    keeping.end().await;
}

#[tokio::test(start_paused = true)]
async fn how_numbers_stand_is_asked_with_the_account_and_again_after_news_of_it() {
    let keeping = KeepingUp::begin(vec![listed("a", "APPROVED")]).await;
    let number = PhoneNumberId::parse("101").unwrap();
    let quality = async || {
        let standings = keeping.stage.book.standings(ONE).await.unwrap();
        standings.get(&number).and_then(|row| row.quality.clone())
    };
    assert_eq!(quality().await, None);
    keeping.pass(Duration::from_secs(60)).await;
    assert_eq!(quality().await.as_deref(), Some("GREEN"));
    keeping.stage.meta.rate("RED");
    for _ in 0..20 {
        keeping.stage.book.numbers_changed(ONE, &waba());
    }
    keeping.pass(Duration::from_secs(60)).await;
    assert_eq!(quality().await.as_deref(), Some("RED"));
    assert_eq!(
        keeping.stage.meta.asked(),
        [number.clone(), number.clone()],
        "once for all of them"
    );
    let both = [number.clone(), PhoneNumberId::parse("102").unwrap()];
    let counts = keeping.stage.book.qualities(ONE, &both);
    let counts = counts.await.unwrap();
    assert_eq!(counts.get(&NumberQuality::Red), Some(&1));
    assert_eq!(counts.get(&NumberQuality::Unknown), Some(&1));
    keeping.end().await;
}

#[tokio::test(start_paused = true)]
async fn how_numbers_stand_is_told_although_the_templates_are_not() {
    let keeping = KeepingUp::begin(vec![listed("a", "APPROVED")]).await;
    keeping.stage.meta.fail_from(0);
    keeping.pass(Duration::from_secs(60)).await;
    assert_eq!(keeping.stage.book.standings(ONE).await.unwrap().len(), 1);
    keeping.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_warning_holds_for_the_number_it_names_until_a_newer_one_lifts_it() {
    let keeping = KeepingUp::begin(vec![listed("a", "APPROVED")]).await;
    let (book, clock) = (&keeping.stage.book, &keeping.stage.clock);
    let number = PhoneNumberId::parse("101").unwrap();
    let display = keeping
        .stage
        .store
        .number(number.clone())
        .await
        .unwrap()
        .unwrap()
        .display;
    let display: String = display.chars().filter(char::is_ascii_digit).collect();
    let began = clock.now();
    let news = |display: &str, warning, seconds| NumberNews {
        display: Some(display.to_owned()),
        warning,
        at: Some(began.after(Duration::from_secs(seconds))),
    };
    let flagged = || Warning::Flagged("FLAGGED".to_owned());
    let standing = async || book.standings(ONE).await.unwrap().remove(&number);
    book.warn(ONE, &waba(), &news("999", flagged(), 10))
        .await
        .unwrap();
    assert!(standing().await.is_none(), "another number");
    book.warn(ONE, &waba(), &news(&display, flagged(), 10))
        .await
        .unwrap();
    let since = standing().await.unwrap().flagged.unwrap().since;
    clock.advance(Duration::from_secs(60));
    // A repetition is not heard since later.
    book.warn(ONE, &waba(), &news(&display, flagged(), 10))
        .await
        .unwrap();
    assert_eq!(standing().await.unwrap().flagged.unwrap().since, since);
    let lifted = || Warning::Unflagged("UNFLAGGED".to_owned());
    book.warn(ONE, &waba(), &news(&display, lifted(), 9))
        .await
        .unwrap();
    assert!(
        standing().await.unwrap().flagged.unwrap().holds(clock.now()),
        "it is older"
    );
    book.warn(ONE, &waba(), &news(&display, lifted(), 11))
        .await
        .unwrap();
    assert!(!standing().await.unwrap().flagged.unwrap().holds(clock.now()));
    // One of the account is for all of its numbers, and ends by itself.
    let until = clock.now().after(Duration::from_secs(60));
    let restricted = NumberNews {
        display: None,
        warning: Warning::Restricted("RESTRICTED".to_owned(), Some(until)),
        at: None,
    };
    book.warn(ONE, &waba(), &restricted).await.unwrap();
    let warning = standing().await.unwrap().restricted.unwrap();
    assert!(warning.holds(clock.now()) && !warning.holds(until));
    keeping.end().await;
}
