use super::*;

#[tokio::test(start_paused = true)]
async fn draining_ends_when_the_last_part_has_finished() {
    let shutdown = Shutdown::default();
    let part = shutdown.part();
    let worker = tokio::spawn({
        let shutdown = shutdown.clone();
        async move {
            shutdown.begun().await;
            tokio::time::advance(Duration::from_secs(1)).await;
            drop(part);
        }
    });
    assert!(!shutdown.has_begun());
    shutdown.begin();
    assert_eq!(shutdown.drained(Duration::from_secs(5)).await, 0);
    worker.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn draining_gives_up_at_its_limit_and_says_how_many_are_left() {
    let shutdown = Shutdown::default();
    let _stuck = shutdown.part();
    shutdown.begin();
    assert_eq!(shutdown.drained(Duration::from_secs(5)).await, 1);
}
