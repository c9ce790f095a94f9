//! The queue: what it takes, how often it tries, and how it ends.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::Instant;

use super::*;
use crate::domain::{TestClock, Timestamp};
use crate::telemetry::labels::MailKind;

/// A server that does what it is told, and tells of each attempt.
struct Script {
    /// What becomes of attempts, in order; afterwards all are taken.
    answers: Mutex<Vec<Answer>>,
    attempts: Sender<(MailKind, Instant)>,
}

#[derive(Clone, Copy)]
enum Answer {
    Later,
    Never,
    Hangs,
}

impl Script {
    fn next(&self) -> Option<Answer> {
        let mut answers = self.answers.lock().unwrap();
        (!answers.is_empty()).then(|| answers.remove(0))
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, message: &Message) -> Result<(), Failure> {
        self.attempts.try_send((message.kind, Instant::now())).unwrap();
        match self.next() {
            None => Ok(()),
            Some(Answer::Later) => Err(Failure::ForNow("busy".to_owned())),
            Some(Answer::Never) => Err(Failure::ForGood("nobody is there".to_owned())),
            Some(Answer::Hangs) => std::future::pending().await,
        }
    }
}

type Attempts = Receiver<(MailKind, Instant)>;

fn mailer(answers: &[Answer]) -> (Mailer, MailWorker, Attempts) {
    let (attempts, seen) = channel(4_096);
    let script = Script {
        answers: Mutex::new(answers.to_vec()),
        attempts,
    };
    let clock = Arc::new(TestClock::at(Timestamp::from_secs(1_790_000_000)));
    let from = "mesej@example.com".parse().unwrap();
    let (mailer, worker) = Mailer::through(Arc::new(script), from, clock, 1);
    (mailer, worker, seen)
}

fn to() -> EmailAddress {
    "ana@example.com".parse().unwrap()
}

fn forgotten() -> Letter {
    Letter::ForgottenPassword {
        link: Link::new("https://mesej.example/#/password/x".to_owned()),
        lasts: Duration::from_secs(3_600),
        pause: Duration::from_secs(300),
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_that_fails_is_tried_again_later_each_time_and_given_up_in_the_end() {
    let (mailer, worker, mut attempts) = mailer(&[Answer::Later; 6]);
    let running = worker.start();
    assert_eq!(mailer.send(&to(), &forgotten()), Handed::Over);
    let mut times = Vec::new();
    for _ in 0..worker::ATTEMPTS {
        times.push(attempts.recv().await.unwrap().1);
    }
    let waits: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (wait, about) in waits.iter().zip([10, 40, 160, 640, 900]) {
        let about = Duration::from_secs(about);
        assert!(*wait >= about / 2 && *wait <= about * 3 / 2, "{waits:?}");
    }
    // The next mail finds a server that answers, and nothing of the first is left.
    assert_eq!(mailer.send(&to(), &Letter::EmailChanged), Handed::Over);
    assert_eq!(attempts.recv().await.unwrap().0, MailKind::EmailChanged);
    assert!(running.finish(Duration::from_secs(5)).await);
    assert!(attempts.try_recv().is_err());
}

fn invitation() -> Letter {
    Letter::Invitation {
        business: None,
        link: Link::new("https://mesej.example/#/invitation/x".to_owned()),
        lasts: Duration::from_secs(3_600),
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_holds_up_no_other_and_one_that_is_refused_is_not_repeated() {
    let (mailer, worker, mut attempts) = mailer(&[Answer::Hangs, Answer::Never]);
    let began = Instant::now();
    let running = worker.start();
    mailer.send(&to(), &forgotten());
    mailer.send(&to(), &forgotten());
    mailer.send(&to(), &forgotten());
    let mut seen = Vec::new();
    for _ in 0..4 {
        let (_, at) = attempts.recv().await.unwrap();
        seen.push((at - began) >= worker::DEADLINE);
    }
    // The second is given up for good at once, the third has its turn then, and the first comes again after its deadline.
    assert_eq!(seen, [false, false, false, true]);
    assert!(running.finish(Duration::from_secs(5)).await);
    assert!(attempts.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_class_whose_mails_all_hang_delays_none_of_another() {
    let (mailer, worker, mut attempts) = mailer(&[Answer::Hangs; worker::AT_ONCE]);
    let began = Instant::now();
    let running = worker.start();
    for _ in 0..Class::Anybody.most() {
        assert_eq!(mailer.send(&to(), &forgotten()), Handed::Over);
    }
    for _ in 0..worker::AT_ONCE {
        assert_eq!(attempts.recv().await.unwrap().0, MailKind::ForgottenPassword);
    }
    for letter in [invitation(), Letter::EmailChanged] {
        mailer.send(&to(), &letter);
        assert_eq!(attempts.recv().await.unwrap().0, letter.kind());
    }
    assert!(began.elapsed() < Duration::from_secs(1));
    // No more of them are begun before one ends.
    assert!(attempts.try_recv().is_err());
    attempts.recv().await.unwrap();
    assert_eq!(began.elapsed(), worker::DEADLINE);
    assert!(running.finish(Duration::from_secs(5)).await);
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded_and_no_class_takes_the_places_of_another() {
    let (mailer, worker, mut attempts) = mailer(&[]);
    let letters = [
        (Class::Anybody, forgotten()),
        (Class::Invitation, invitation()),
        (Class::Account, Letter::EmailChanged),
    ];
    for (class, letter) in &letters {
        for _ in 0..class.most() {
            assert_eq!(mailer.send(&to(), letter), Handed::Over, "{class:?}");
        }
        assert_eq!(mailer.send(&to(), letter), Handed::Back, "{class:?}");
    }
    // Places are free again once their mails are sent, and what waits is sent before the end.
    let running = worker.start();
    for _ in 0..MOST {
        attempts.recv().await.unwrap();
    }
    assert_eq!(mailer.send(&to(), &forgotten()), Handed::Over);
    assert!(running.finish(Duration::from_secs(5)).await);
    let mut more = 0;
    while attempts.try_recv().is_ok() {
        more += 1;
    }
    assert_eq!(more, 1);
}

#[tokio::test(start_paused = true)]
async fn what_waits_behind_others_is_sent_before_the_end() {
    let (mailer, worker, mut attempts) = mailer(&[Answer::Later, Answer::Later]);
    let running = worker.start();
    for _ in 0..5 {
        mailer.send(&to(), &invitation());
    }
    for _ in 0..5 {
        attempts.recv().await.unwrap();
    }
    // Those that failed are not due for seconds: they are tried at once now.
    let began = Instant::now();
    assert!(running.finish(Duration::from_secs(5)).await);
    assert_eq!(began.elapsed(), Duration::ZERO);
    let mut last = 0;
    while attempts.try_recv().is_ok() {
        last += 1;
    }
    assert_eq!(last, 2);
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_no_retry_and_no_longer_than_it_may() {
    let (mailer, worker, mut attempts) = mailer(&[Answer::Later, Answer::Hangs]);
    let running = worker.start();
    mailer.send(&to(), &forgotten());
    attempts.recv().await.unwrap();
    let began = Instant::now();
    assert!(!running.finish(Duration::from_secs(5)).await);
    assert_eq!(began.elapsed(), Duration::from_secs(5));
    assert_eq!(attempts.try_recv().unwrap().0, MailKind::ForgottenPassword);
    assert_eq!(mailer.send(&to(), &forgotten()), Handed::Back);
}
