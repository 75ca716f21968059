//! What the clock makes due, of all workspaces.
//!
//! A page goes through the shards one after the other, and each in the order of time. What is dealt
//! with meanwhile is due later or not at all, so nothing is met twice but what falls due again.

use writ_model::{Error, HintAbout, JobHint, Timestamp};
use writ_ports::{DueJobs, DuePage};

use super::item::{due_key, due_partition};
use crate::Store;
use crate::fault::failed;
use crate::item::{Item, string, text};
use crate::search::{After, Token, fingerprint, malformed};
use crate::shards::SHARDS;

/// Jobs of a page.
const JOBS_MAX: usize = 100;

/// Before every key of a shard.
const START: &str = " ";

/// Where a page goes on: behind a key of a shard.
struct Place {
    shard: u64,
    after: Option<String>,
}

impl Place {
    fn read(token: Option<&str>) -> Result<Self, Error> {
        let Some(token) = token else { return Ok(Self { shard: 0, after: None }) };
        match Token::decode(token, &owner())? {
            After::Key { range, key } => {
                let shard = u64::try_from(range).ok().filter(|shard| *shard < SHARDS);
                Ok(Self { shard: shard.ok_or_else(malformed)?, after: key })
            }
            After::Count(_) => Err(malformed()),
        }
    }

    fn token(self) -> Result<String, Error> {
        let range = usize::try_from(self.shard).map_err(Error::internal)?;
        Token::new(&owner(), After::Key { range, key: self.after }).encode()
    }
}

fn owner() -> String {
    fingerprint(&["due"])
}

/// What an index entry stands for.
fn hint(item: &Item) -> Result<JobHint, Error> {
    let partition = text(item, "pk")?;
    let parts = partition.split_once('#');
    let hint = parts.and_then(|(workspace, job_id)| {
        let (workspace, job_id) = (workspace.parse().ok()?, job_id.to_owned());
        Some(JobHint { workspace, job_id, about: HintAbout::Line })
    });
    hint.ok_or_else(|| Error::internal(format!("`{partition}` is no job's key")))
}

impl DueJobs for Store {
    async fn due_jobs(&self, before: Timestamp, next: Option<&str>) -> Result<DuePage, Error> {
        let mut place = Place::read(next)?;
        // Keys have the time first, so this is behind all that are due at it.
        let to = due_key(Timestamp::from_ms(before.as_ms().saturating_add(1)), "");
        let mut jobs = Vec::new();
        while place.shard < SHARDS && jobs.len() < JOBS_MAX {
            let left = JOBS_MAX - jobs.len();
            let (found, after) = self.due_of(&place, &to, left).await?;
            jobs.extend(found);
            place = match after {
                Some(after) => Place { shard: place.shard, after: Some(after) },
                None => Place { shard: place.shard + 1, after: None },
            };
        }
        let next = (place.shard < SHARDS).then(|| place.token()).transpose()?;
        Ok(DuePage { jobs, next })
    }
}

impl Store {
    /// Up to `limit` jobs of a shard, and where it goes on if there may be more.
    async fn due_of(
        &self,
        place: &Place,
        to: &str,
        limit: usize,
    ) -> Result<(Vec<JobHint>, Option<String>), Error> {
        // No key is another one followed by NUL.
        let from = place.after.as_ref().map_or(START.to_owned(), |after| format!("{after}\0"));
        if from.as_str() >= to || from.len() > 1_024 {
            return Ok((Vec::new(), None));
        }
        let page = self
            .client
            .query()
            .table_name(&self.tables.jobs)
            .index_name("by_due")
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .key_condition_expression("#shard = :shard AND #due BETWEEN :from AND :to")
            .expression_attribute_names("#shard", "due_shard")
            .expression_attribute_names("#due", "due")
            .expression_attribute_values(":shard", string(due_partition(place.shard)))
            .expression_attribute_values(":from", string(from))
            .expression_attribute_values(":to", string(to))
            .send()
            .await
            .map_err(failed)?;
        let jobs = page.items().iter().map(hint).collect::<Result<_, _>>()?;
        let last = page.last_evaluated_key().map(|key| text(key, "due").map(str::to_owned));
        Ok((jobs, last.transpose()?))
    }
}
