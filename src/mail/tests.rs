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

#[tokio::test(start_paused = true)]
async fn one_that_fails_holds_up_no_other_and_one_that_is_refused_is_not_repeated() {
    let (mailer, worker, mut attempts) = mailer(&[Answer::Hangs, Answer::Never]);
    let began = Instant::now();
    let running = worker.start();
    mailer.send(&to(), &forgotten());
    mailer.send(&to(), &Letter::EmailChanged);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (kind, at) = attempts.recv().await.unwrap();
        seen.push((kind, (at - began) >= worker::DEADLINE));
    }
    // The first is given up for now at its deadline, the second for good, the first comes again.
    let expected = [
        (MailKind::ForgottenPassword, false),
        (MailKind::EmailChanged, true),
        (MailKind::ForgottenPassword, true),
    ];
    assert_eq!(seen, expected);
    assert!(running.finish(Duration::from_secs(5)).await);
    assert!(attempts.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded_and_keeps_room_for_people_who_are_signed_in() {
    let (mailer, worker, mut attempts) = mailer(&[]);
    for _ in 0..MOST_OF_NOBODY {
        assert_eq!(mailer.send(&to(), &forgotten()), Handed::Over);
    }
    assert_eq!(mailer.send(&to(), &forgotten()), Handed::Back);
    for _ in MOST_OF_NOBODY..MOST {
        assert_eq!(mailer.send(&to(), &Letter::EmailChanged), Handed::Over);
    }
    assert_eq!(mailer.send(&to(), &Letter::EmailChanged), Handed::Back);
    // A place is free again once its mail is sent.
    let running = worker.start();
    attempts.recv().await.unwrap();
    attempts.recv().await.unwrap();
    assert_eq!(mailer.send(&to(), &forgotten()), Handed::Over);
    // What waits is sent before the end.
    assert!(running.finish(Duration::from_secs(5)).await);
    let mut sent = 2;
    while attempts.try_recv().is_ok() {
        sent += 1;
    }
    assert_eq!(sent, MOST + 1);
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
