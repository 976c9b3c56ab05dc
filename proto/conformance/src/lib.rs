#![doc = include_str!("../README.md")]

mod catalog;
mod check;
mod checking;
mod hub;
mod payload;
mod reading;
mod receipts;
mod refusals;
mod resuming;
mod submitting;

use futures::future::BoxFuture;

pub use check::Broken;
pub use hub::{Hub, Keys};

/// One promise and the function that tries it.
#[derive(Clone, Copy)]
pub struct Promise {
    /// What is promised, as a name in snake case.
    pub name: &'static str,
    run: fn(Hub) -> BoxFuture<'static, Result<(), Broken>>,
}

impl std::fmt::Debug for Promise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Promise {
    /// Tries the promise.
    pub async fn keep(&self, hub: &Hub) -> Result<(), Broken> {
        (self.run)(hub.clone()).await
    }
}

macro_rules! promises {
    ($($module:ident::$name:ident),+ $(,)?) => {
        /// All promises, in the order in which a reader of the contract meets them.
        pub const PROMISES: &[Promise] = &[
            $(Promise { name: stringify!($name), run: |hub| Box::pin(async move { $module::$name(&hub).await }) },)+
        ];
    };
}

promises![
    catalog::patterns_can_be_listed_and_read,
    catalog::pages_are_stable_and_join_to_the_whole,
    catalog::a_page_token_is_bound_to_its_request,
    catalog::what_is_unknown_is_not_found,
    refusals::a_call_without_a_key_is_refused,
    refusals::a_wrong_key_is_refused,
    refusals::a_message_too_large_is_refused,
    refusals::an_unknown_method_is_refused,
    refusals::malformed_names_are_refused,
    refusals::another_publishers_report_is_refused,
    refusals::another_publishers_submission_is_hidden,
    refusals::a_ministry_may_not_push,
    submitting::create_is_idempotent,
    submitting::a_request_id_serves_one_content,
    submitting::steps_lead_from_receiving_to_committed,
    submitting::a_commit_again_gives_the_same_receipt,
    submitting::the_same_push_again_is_unchanged,
    submitting::a_check_only_leaves_nothing,
    submitting::a_blocked_payload_has_a_report,
    submitting::lines_of_json_are_rows_as_those_of_csv,
    submitting::a_correction_supersedes_and_names_what_it_carries,
    submitting::a_moved_revision_aborts,
    submitting::nothing_to_report_needs_a_word_when_it_deletes,
    submitting::an_abandoned_submission_takes_no_bytes,
    receipts::a_receipt_is_signed_by_a_published_key,
    receipts::a_payload_comes_back_as_it_was_sent,
    receipts::a_payload_comes_back_to_its_publisher_alone,
    checking::anyone_may_have_a_payload_checked,
    resuming::a_cut_upload_resumes_at_the_durable_offset,
    resuming::known_bytes_may_be_repeated,
    resuming::a_gap_is_refused_and_names_the_offset,
    resuming::wrong_length_or_hash_is_refused,
    resuming::a_push_without_commit_is_no_submission_of_record,
    reading::a_session_is_pinned_while_commits_come,
    reading::rows_resume_by_offset,
    reading::columns_and_filter_are_kept,
    reading::a_query_names_its_dataset_version,
    reading::only_a_select_is_allowed,
    reading::a_publisher_sees_its_own_rows_and_open_ones,
    reading::a_foreign_session_is_refused,
];

/// Tries all promises, one after another.
pub async fn run_all(hub: &Hub) -> Vec<(&'static str, Result<(), Broken>)> {
    let mut results = Vec::with_capacity(PROMISES.len());
    for promise in PROMISES {
        results.push((promise.name, promise.keep(hub).await));
    }
    results
}
