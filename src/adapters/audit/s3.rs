//! A trail in an S3 store: one object for each line, made only if its name is free, so that of two
//! writers one comes second and takes the next number. What has been written last is kept in `head`,
//! which moves only forward; it finds the end quickly, and proves that nothing was cut off.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::ObjectLockMode;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use super::place::{Bucket, Keys};
use super::{AuditError, begins};
use crate::adapters::text::printable;
use crate::report::audit::{Broken, End, Entry, Line, read};

/// Longest time for one request, and how often it is tried.
const PATIENCE: Duration = Duration::from_secs(10);
const TRIES: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// How many lines of others may come in between before one gives up.
const MAX_RACES: u32 = 100;
/// How far the head may lie behind the end.
const MAX_BEHIND: u64 = 10_000;
/// Most lines of one trail.
const MAX_LINES: u64 = 1_000_000;
/// Largest line.
const MAX_LINE: usize = 16 * 1024 * 1024;
/// How many lines are read at a time.
const AT_ONCE: usize = 16;

/// A trail in an S3 store.
#[derive(Clone)]
pub struct S3Trail {
    client: Client,
    bucket: Bucket,
    name: String,
    /// The end, as far as this process knows.
    known: Arc<Mutex<Option<End>>>,
}

/// What became of an attempt to take a place.
enum Taken {
    Ours,
    Theirs,
}

impl S3Trail {
    pub(super) async fn new(bucket: &Bucket, name: &str, keys: Option<Keys>) -> Self {
        let tls = Provider::Rustls(CryptoMode::Ring);
        let http = Builder::new().tls_provider(tls).build_https();
        let timeouts = TimeoutConfig::builder().operation_timeout(PATIENCE).build();
        let mut from = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http)
            // A request that is tried again by the library cannot tell whose place it found taken.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        if let Some(region) = &bucket.region {
            from = from.region(Region::new(region.clone()));
        }
        if let Some(Keys { id, secret }) = keys {
            let keys = Credentials::new(id, secret.expose_secret(), None, None, "kubemate");
            from = from.credentials_provider(keys);
        }
        let found = Box::pin(from.load()).await;
        let mut config = aws_sdk_s3::config::Builder::from(&found);
        if found.region().is_none() {
            config = config.region(Region::new("us-east-1"));
        }
        if let Some(endpoint) = &bucket.endpoint {
            // Stores of others know neither buckets as hosts nor checksums at the end of a body.
            config = config
                .endpoint_url(endpoint)
                .force_path_style(true)
                .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        }
        Self {
            client: Client::from_conf(config.build()),
            bucket: bucket.clone(),
            name: name.to_owned(),
            known: Arc::default(),
        }
    }

    /// This trail, with what another one of the same name knows of it.
    pub(super) fn knowing(self, other: &Self) -> Self {
        let known = Arc::clone(&other.known);
        Self { known, ..self }
    }

    /// Adds a line: the first free place after the end is taken, however many write at once.
    pub(super) async fn add(&self, entry: Entry, at: Timestamp) -> Result<(), AuditError> {
        let mut known = self.known.lock().await;
        let mut end = match known.clone() {
            Some(end) => end,
            None => {
                let end = self.end().await?;
                self.probe().await?;
                end
            }
        };
        begins(self.place(), &end, &entry);
        let days = self.bucket.lock_days.map(i64::from);
        let until = days.map(|days| at.as_second() + days * 24 * 3600);
        for _ in 0..MAX_RACES {
            if end.lines() >= MAX_LINES {
                let full = "it has a million lines: name another prefix in --audit";
                return Err(self.failed(full));
            }
            let next = end.next(entry.clone(), at);
            let (line, next) = next.map_err(|error| self.failed(&error.to_string()))?;
            let text = line.trim_end();
            match self.take(&self.key(next.lines()), text, until).await? {
                Taken::Ours => {
                    // The line is there: the head is only a shorter way to it.
                    if let Err(error) = self.advance(&next).await {
                        tracing::warn!(%error, "the head of an audit trail stays behind");
                    }
                    *known = Some(next);
                    return Ok(());
                }
                Taken::Theirs => end = self.follow(&end).await?,
            }
        }
        Err(self.failed("too many others write into it at the same time"))
    }

    /// All lines, checked from the first to the last, and that the head is not beyond them.
    pub(super) async fn read(&self) -> Result<Result<(Vec<Line>, End), Broken>, AuditError> {
        let head = self.head().await?;
        let count = self.count().await?;
        let lines: Vec<String> = stream::iter(1..=count)
            .map(|number| async move {
                let line = self.get(&self.key(number)).await?;
                line.ok_or_else(|| self.failed(&format!("line {number} is missing")))
            })
            .buffered(AT_ONCE)
            .map_ok(|(text, _)| text + "\n")
            .try_collect()
            .await?;
        let found = read(&lines.concat());
        Ok(found.and_then(|(lines, end)| {
            if let Some((head, _)) = head {
                head.is_in(&lines, &end)?;
            }
            Ok((lines, end))
        }))
    }

    /// How many lines there are; a gap between them is an error.
    async fn count(&self) -> Result<u64, AuditError> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket.name)
            .prefix(self.folder())
            .into_paginator()
            .send();
        let mut numbers = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.refused(&error))?;
            let keys = page.contents().iter().filter_map(|object| object.key());
            numbers.extend(keys.filter_map(|key| self.number(key)));
            if numbers.len() as u64 > MAX_LINES {
                return Err(self.failed("it has more lines than can be read at once"));
            }
        }
        numbers.sort_unstable();
        let expected = (1_u64..)
            .zip(&numbers)
            .find(|(number, found)| number != *found);
        match expected {
            Some((number, _)) => Err(self.broken(number, "it is missing: it was taken out")),
            None => Ok(numbers.len() as u64),
        }
    }

    /// The end: what the head names, and what came after it.
    async fn end(&self) -> Result<End, AuditError> {
        let mut end = match self.head().await? {
            None => End::default(),
            Some((head, _)) => {
                let line = self.get(&self.key(head.lines())).await?;
                let gone = "it is missing, but the head names it: it was taken out";
                let (text, _) = line.ok_or_else(|| self.broken(head.lines(), gone))?;
                let end = End::behind(&text).filter(|end| *end == head);
                let other = "it is not the line that the head names: it was changed";
                end.ok_or_else(|| self.broken(head.lines(), other))?
            }
        };
        for _ in 0..MAX_BEHIND {
            match self.get(&self.key(end.lines() + 1)).await? {
                None => return Ok(end),
                Some((text, _)) => end = self.behind(&end, &text)?,
            }
        }
        Err(self.failed("its head lies too far behind its end"))
    }

    /// The end behind the line that came in between.
    async fn follow(&self, end: &End) -> Result<End, AuditError> {
        let line = self.get(&self.key(end.lines() + 1)).await?;
        let (text, _) = line.ok_or_else(|| self.failed("a line went away while it was read"))?;
        self.behind(end, &text)
    }

    fn behind(&self, end: &End, text: &str) -> Result<End, AuditError> {
        end.follow(text)
            .map(|(_, end)| end)
            .map_err(|broken| AuditError::broken(self.place(), broken))
    }

    /// That the store keeps what has a name already: one that writes over it would lose lines.
    async fn probe(&self) -> Result<(), AuditError> {
        let key = format!("{}probe", self.folder());
        for text in ["1", "2"] {
            if let Taken::Theirs = self.take(&key, text, None).await? {
                return Ok(());
            }
        }
        let over = "the store ignores `If-None-Match` and would write over lines: use another";
        Err(self.failed(over))
    }

    /// Takes a name, which is kept until then, in seconds since 1970. An answer that got lost is settled by
    /// looking.
    async fn take(&self, key: &str, text: &str, until: Option<i64>) -> Result<Taken, AuditError> {
        let (mut wait, mut unsure) = (FIRST_WAIT, false);
        for attempt in 1..=TRIES {
            let mut put = self
                .client
                .put_object()
                .bucket(&self.bucket.name)
                .key(key)
                .content_type("application/json")
                .if_none_match("*")
                .body(ByteStream::from(text.as_bytes().to_vec()));
            if let Some(until) = until {
                put = put
                    .checksum_sha256(STANDARD.encode(Sha256::digest(text)))
                    .object_lock_mode(ObjectLockMode::Compliance)
                    .object_lock_retain_until_date(DateTime::from_secs(until));
            }
            let Err(error) = put.send().await else {
                return Ok(Taken::Ours);
            };
            match status_of(&error) {
                Some(412) if !unsure => return Ok(Taken::Theirs),
                Some(412) => {
                    let there = self.get(key).await?.map(|(there, _)| there);
                    let ours = there.as_deref() == Some(text);
                    return Ok(if ours { Taken::Ours } else { Taken::Theirs });
                }
                // Somebody else is at it right now: nothing was done.
                Some(409 | 429) => {}
                Some(status) if status < 500 => return Err(self.refused(&error)),
                _ => unsure = true,
            }
            if attempt == TRIES {
                return Err(self.refused(&error));
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        Err(self.failed("it was tried too often"))
    }

    /// Moves the head to the end, unless it is there or further already.
    async fn advance(&self, end: &End) -> Result<(), AuditError> {
        let body = serde_json::to_vec(end).map_err(|error| self.failed(&error.to_string()))?;
        for _ in 0..TRIES {
            let put = self
                .client
                .put_object()
                .bucket(&self.bucket.name)
                .key(self.head_key())
                .content_type("application/json")
                .body(ByteStream::from(body.clone()));
            let put = match self.head().await? {
                Some((head, _)) if head.lines() >= end.lines() => return Ok(()),
                Some((_, tag)) => put.if_match(tag),
                None => put.if_none_match("*"),
            };
            match put.send().await {
                Ok(_) => return Ok(()),
                Err(error) if matches!(status_of(&error), Some(409 | 412)) => {}
                Err(error) => return Err(self.refused(&error)),
            }
        }
        Ok(())
    }

    /// What the head says, and the mark of that state.
    async fn head(&self) -> Result<Option<(End, String)>, AuditError> {
        let Some((text, tag)) = self.get(&self.head_key()).await? else {
            return Ok(None);
        };
        let head = serde_json::from_str(&text);
        let head = head.map_err(|_| self.failed("its head is not what was written"))?;
        Ok(Some((head, tag)))
    }

    /// An object and the mark of its state; `None` if there is none.
    async fn get(&self, key: &str) -> Result<Option<(String, String)>, AuditError> {
        let mut wait = FIRST_WAIT;
        for attempt in 1..=TRIES {
            let get = self
                .client
                .get_object()
                .bucket(&self.bucket.name)
                .key(key)
                .send();
            let error = match get.await {
                Ok(found) => match self.received(found).await {
                    Ok(found) => return Ok(Some(found)),
                    Err(error) if attempt == TRIES => return Err(error),
                    Err(_) => {
                        tokio::time::sleep(wait).await;
                        wait *= 2;
                        continue;
                    }
                },
                Err(error) => error,
            };
            let missing = error.as_service_error().is_some_and(|e| e.is_no_such_key());
            match status_of(&error) {
                Some(404) if missing => return Ok(None),
                Some(status) if status < 500 && status != 429 => return Err(self.refused(&error)),
                _ if attempt == TRIES => return Err(self.refused(&error)),
                _ => tokio::time::sleep(wait).await,
            }
            wait *= 2;
        }
        Err(self.failed("it was asked too often"))
    }

    async fn received(
        &self,
        found: aws_sdk_s3::operation::get_object::GetObjectOutput,
    ) -> Result<(String, String), AuditError> {
        let length = found
            .content_length()
            .and_then(|length| usize::try_from(length).ok());
        if length.is_none_or(|length| length > MAX_LINE) {
            return Err(self.failed("an object of it is larger than a line can be"));
        }
        let tag = found.e_tag().unwrap_or_default().to_owned();
        let body = tokio::time::timeout(PATIENCE, found.body.collect()).await;
        let body = body.map_err(|_| self.failed("an answer did not end"))?;
        let bytes = body
            .map_err(|_| self.failed("an answer broke off"))?
            .into_bytes();
        let text = String::from_utf8(bytes.to_vec());
        text.map(|text| (text, tag))
            .map_err(|_| self.failed("an object of it is no text"))
    }

    fn folder(&self) -> String {
        format!("{}{}/", self.bucket.prefix, self.name)
    }

    fn key(&self, number: u64) -> String {
        format!("{}{number:012}.json", self.folder())
    }

    fn head_key(&self) -> String {
        format!("{}head", self.folder())
    }

    /// The number of the line that an object holds.
    fn number(&self, key: &str) -> Option<u64> {
        let name = key.strip_prefix(&self.folder())?.strip_suffix(".json")?;
        let number = name.parse().ok().filter(|number| *number > 0)?;
        (self.key(number) == key).then_some(number)
    }

    fn place(&self) -> String {
        format!(
            "s3://{}/{}",
            self.bucket.name,
            self.folder().trim_end_matches('/')
        )
    }

    fn failed(&self, reason: &str) -> AuditError {
        AuditError::store(self.place(), reason)
    }

    fn broken(&self, number: u64, why: &str) -> AuditError {
        let line = usize::try_from(number).unwrap_or(usize::MAX);
        let why = why.to_owned();
        AuditError::broken(self.place(), Broken { line, why })
    }

    fn refused<E>(&self, error: &SdkError<E>) -> AuditError
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let said = error.as_service_error().map(|e| {
            let code = e.code().unwrap_or("error");
            format!("{code} {}", e.message().unwrap_or_default())
        });
        let said = said.unwrap_or_else(|| DisplayErrorContext(error).to_string());
        self.failed(&printable(said.trim()).chars().take(300).collect::<String>())
    }
}

/// The HTTP status that the store answered with, if it answered.
fn status_of<E>(error: &SdkError<E>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}
