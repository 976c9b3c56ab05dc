//! Many small reports: each push is one call with one report of one publisher, acknowledged when it is
//! durable and visible. A sender has one connection and sends its next report when the last is answered.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Args;
use futures::stream;
use hub_datasets::Period;
use hub_proto::v1::push_submission_request::Step;
use hub_proto::v1::submission_service_client::SubmissionServiceClient;
use hub_proto::v1::{CommitOptions, CreateSubmissionRequest, PushSubmissionRequest, SubmissionState};
use sha2::{Digest as _, Sha256};
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use crate::{Failure, Synthesis, runtime};

#[derive(Debug, Args)]
pub(crate) struct Senders {
    /// Address of the hub's gRPC door, as http://127.0.0.1:50051.
    #[arg(long)]
    endpoint: String,
    /// Publishers and their keys, a line each, as `hub-server credential create --kind` prints them.
    #[arg(long)]
    keys: PathBuf,
    #[arg(long, default_value_t = 1)]
    senders: usize,
    /// Reports of a period, one of each of the first publishers.
    #[arg(long, default_value_t = 2_500)]
    pushes: usize,
    /// Rows of a report.
    #[arg(long, default_value_t = 200)]
    rows: u64,
    #[arg(long, default_value = "2023-Q4")]
    period: Period,
    /// Sends every report for each of these periods, one period after the other; else for the one above.
    #[arg(long, value_delimiter = ',')]
    periods: Vec<Period>,
    /// The pattern to push into, of the same columns as rb28s.
    #[arg(long, default_value = "rb28s")]
    pattern: String,
    /// Another seed gives other amounts for the same units and lines: a correction.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes the reports to files of this folder and pushes nothing.
    #[arg(long)]
    write_to: Option<PathBuf>,
}

/// One report, ready to go.
#[derive(Debug)]
struct Report {
    publisher: String,
    authorization: String,
    payload: Bytes,
    sha256: String,
}

impl Senders {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let reports = self.reports()?;
        if let Some(folder) = &self.write_to {
            fs::create_dir_all(folder)?;
            for report in &reports {
                fs::write(folder.join(format!("{}.csv", report.publisher)), &report.payload)?;
            }
            return Ok(());
        }
        let runtime = runtime(1)?;
        let (times, wall) = runtime.block_on(self.push_all(reports))?;
        println!("{}", summary(&times, wall));
        Ok(())
    }

    fn reports(&self) -> Result<Vec<Report>, Failure> {
        let keys = fs::read_to_string(&self.keys)?;
        let synthesis = Synthesis::new()?;
        let lines = keys.lines().take(self.pushes);
        let reports: Vec<Report> =
            lines.map(|line| self.report(&synthesis, line)).collect::<Result<_, _>>()?;
        if reports.len() < self.pushes {
            return Err(format!("{} keys for {} pushes", reports.len(), self.pushes).into());
        }
        Ok(reports)
    }

    fn report(&self, synthesis: &Synthesis, line: &str) -> Result<Report, Failure> {
        let (publisher, key) = line.split_once('\t').ok_or("a line of keys is PUBLISHER<tab>KEY")?;
        let digits: String = publisher.chars().filter(char::is_ascii_digit).collect();
        let mut payload = Vec::new();
        let terc6 = format!("{digits:0<6}");
        synthesis.csv("rb28s", &terc6, &self.period, (self.rows, self.seed), &mut payload)?;
        let sha256 = Sha256::digest(&payload).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Report {
            publisher: publisher.to_owned(),
            authorization: format!("Bearer {key}"),
            payload: payload.into(),
            sha256,
        })
    }

    /// The time of each push in the order of their ends, and of all together.
    async fn push_all(&self, reports: Vec<Report>) -> Result<(Vec<Duration>, Duration), Failure> {
        let mut channels = Vec::new();
        for _ in 0..self.senders {
            channels.push(Endpoint::from_shared(self.endpoint.clone())?.tcp_nodelay(true).connect().await?);
        }
        let periods =
            if self.periods.is_empty() { std::slice::from_ref(&self.period) } else { &self.periods };
        let orders = Arc::new(Orders {
            reports,
            periods: periods.iter().map(|period| period.label().to_owned()).collect(),
            pattern: format!("patterns/{}", self.pattern),
            next: AtomicUsize::new(0),
        });
        let begun = Instant::now();
        let senders: Vec<_> =
            channels.into_iter().map(|channel| tokio::spawn(send(channel, Arc::clone(&orders)))).collect();
        let mut times = Vec::new();
        for sender in senders {
            times.extend(sender.await??);
        }
        let wall = begun.elapsed();
        times.sort_by_key(|(end, _)| *end);
        Ok((times.into_iter().map(|(_, time)| time).collect(), wall))
    }
}

/// What all senders share: the reports of the first period, then those of the next.
#[derive(Debug)]
struct Orders {
    reports: Vec<Report>,
    periods: Vec<String>,
    pattern: String,
    next: AtomicUsize,
}

impl Orders {
    fn next(&self) -> Option<(&Report, &str)> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let period = self.periods.get(next / self.reports.len().max(1))?;
        Some((self.reports.get(next % self.reports.len())?, period))
    }
}

/// Pushes the next report until there is none; gives the end and the time of each push.
async fn send(channel: Channel, orders: Arc<Orders>) -> Result<Vec<(Instant, Duration)>, Failure> {
    let mut service = SubmissionServiceClient::new(channel);
    let mut times = Vec::new();
    while let Some((report, period)) = orders.next() {
        let begun = Instant::now();
        let mut request = Request::new(stream::iter(steps(report, &orders.pattern, period)));
        request.metadata_mut().insert("authorization", report.authorization.parse()?);
        let answer = service.push_submission(request).await?.into_inner();
        let end = Instant::now();
        let submission = answer.submission.ok_or("an answer without a submission")?;
        if submission.state() != SubmissionState::Committed {
            return Err(format!("{} was not committed: {}", report.publisher, submission.reason).into());
        }
        times.push((end, end - begun));
    }
    Ok(times)
}

fn steps(report: &Report, pattern: &str, period: &str) -> Vec<PushSubmissionRequest> {
    let create = CreateSubmissionRequest {
        request_id: uuid::Uuid::new_v4().to_string(),
        pattern: pattern.to_owned(),
        publisher: String::new(),
        period: period.to_owned(),
        media_type: "text/csv".to_owned(),
        profile: String::new(),
        size_bytes: report.payload.len() as u64,
        sha256: report.sha256.clone(),
        nothing_to_report: false,
    };
    let steps =
        [Step::Create(create), Step::Data(report.payload.clone()), Step::Commit(CommitOptions::default())];
    steps.map(|step| PushSubmissionRequest { step: Some(step) }).into()
}

/// Milliseconds; growth is the mean of the last twentieth of the pushes by that of the first.
fn summary(times: &[Duration], wall: Duration) -> serde_json::Value {
    let millis = |time: &Duration| time.as_secs_f64() * 1e3;
    let mean = |part: &[Duration]| part.iter().map(millis).sum::<f64>() / part.len().max(1) as f64;
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let at = |share: f64| sorted.get((sorted.len() as f64 * share) as usize).map(millis);
    let part = (times.len() / 20).max(1).min(times.len());
    serde_json::json!({
        "pushes": times.len(),
        "total": wall.as_secs_f64(),
        "p50": at(0.5),
        "p99": at(0.99),
        "growth": mean(&times[times.len() - part..]) / mean(&times[..part]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_compares_the_last_pushes_with_the_first() {
        let times: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        let told = summary(&times, Duration::from_secs(5));
        assert_eq!(told["pushes"], 100);
        assert_eq!(told["p50"], 51.0);
        assert_eq!(told["growth"], 98.0 / 3.0);
    }
}
