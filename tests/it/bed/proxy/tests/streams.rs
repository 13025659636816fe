//! Faults of watch streams: five events, one of them touched.

use std::time::{Duration, Instant};

use super::super::{Fault, Match, Rule, WatchFault};
use super::origin::Origin;

const WATCH: &str = "/api/v1/configmaps?watch=true";

async fn events_with(fault: WatchFault) -> Vec<String> {
    let origin = Origin::start().await;
    origin
        .proxy
        .add(Rule::new(Match::any(), Fault::Watch(fault)));
    let (status, text) = origin.get(WATCH).await.unwrap();
    assert_eq!(status, 200);
    text.lines().map(ToOwned::to_owned).collect()
}

fn events(numbers: &[u8]) -> Vec<String> {
    numbers
        .iter()
        .map(|number| format!("{{\"event\":{number}}}"))
        .collect()
}

#[tokio::test]
async fn events_are_left_out_repeated_and_swapped() {
    assert_eq!(
        events_with(WatchFault::Drop(2)).await,
        events(&[1, 3, 4, 5])
    );
    assert_eq!(
        events_with(WatchFault::Duplicate(2)).await,
        events(&[1, 2, 2, 3, 4, 5])
    );
    assert_eq!(
        events_with(WatchFault::Swap(2)).await,
        events(&[1, 3, 2, 4, 5])
    );
    assert_eq!(
        events_with(WatchFault::Swap(5)).await,
        events(&[1, 2, 3, 4, 5])
    );
}

#[tokio::test]
async fn a_stream_ends_early_or_with_an_error_event() {
    assert_eq!(
        events_with(WatchFault::CloseAfter(3)).await,
        events(&[1, 2, 3])
    );
    assert_eq!(events_with(WatchFault::CloseAfter(0)).await, events(&[]));
    let broken = events_with(WatchFault::ErrorAfter(1, 410)).await;
    assert_eq!(broken.len(), 2);
    let last: serde_json::Value = serde_json::from_str(&broken[1]).unwrap();
    assert_eq!(
        (&last["type"], &last["object"]["code"]),
        (&"ERROR".into(), &410.into())
    );
}

#[tokio::test]
async fn a_stall_holds_the_rest_back() {
    let started = Instant::now();
    let stalled = WatchFault::StallAfter(2, Duration::from_millis(400));
    assert_eq!(events_with(stalled).await, events(&[1, 2, 3, 4, 5]));
    assert!(started.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn a_watch_streams_while_it_is_open() {
    let origin = Origin::start().await;
    let gone = Duration::from_mins(2);
    origin.proxy.add(Rule::new(
        Match::any(),
        Fault::Watch(WatchFault::StallAfter(2, gone)),
    ));
    let mut answer = origin.request("GET", WATCH).send().await.unwrap();
    let mut text = Vec::new();
    while text.split(|byte| *byte == b'\n').count() < 3 {
        let chunk = tokio::time::timeout(Duration::from_mins(1), answer.chunk()).await;
        text.extend(
            chunk
                .expect("events come before the stream ends")
                .unwrap()
                .unwrap(),
        );
    }
    assert_eq!(
        String::from_utf8(text).unwrap(),
        "{\"event\":1}\n{\"event\":2}\n"
    );
}
