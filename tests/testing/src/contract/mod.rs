//! What every implementation of the ports must do, as functions over the ports.
//!
//! Each case takes an empty platform. [`port_contract!`](crate::port_contract) makes a test of each
//! of them; it runs on the memory platform and on the store, so that neither drifts.

pub mod access;
pub mod contexts;
pub mod due;
pub mod executions;
pub mod idempotency;
pub mod jobs;
pub mod policies;
pub mod queries;
pub mod queue;
pub mod schedules;

/// Makes a `#[tokio::test]` of every case. The argument names an async function without arguments
/// that returns a pair: a new, empty platform, and what must live as long as the platform does.
#[macro_export]
macro_rules! port_contract {
    ($platform:path) => {
        $crate::port_contract! { @cases $platform;
            access::a_token_lives_from_put_to_revoke,
            access::callback_secrets_change_one_version_at_a_time,
            contexts::a_context_is_committed_with_its_record_or_neither_is,
            contexts::a_context_needs_its_policy_under_its_present_name,
            due::what_is_due_is_found_in_every_workspace_and_nothing_else,
            due::every_job_that_is_due_is_found_over_pages,
            executions::a_record_is_written_once_and_read_in_its_workspace,
            idempotency::the_same_request_again_gets_the_first_reply,
            idempotency::a_key_belongs_to_its_caller_and_workspace,
            idempotency::an_abandoned_key_is_free_and_a_finished_one_is_not_abandoned,
            idempotency::a_claim_lapses_after_a_minute_and_a_reply_after_a_day,
            idempotency::a_lapsed_claim_does_not_touch_its_successor,
            idempotency::every_claim_of_a_key_has_the_time_of_the_first,
            idempotency::a_released_key_is_free_for_the_same_request,
            jobs::a_job_is_read_as_it_was_written_until_its_end,
            jobs::a_job_is_submitted_once_in_its_workspace,
            jobs::of_writers_of_one_version_one_wins,
            jobs::an_attempt_ends_whole_or_not_at_all,
            jobs::an_attempt_whose_context_changed_leaves_nothing,
            jobs::only_a_completed_job_has_an_output,
            policies::a_policy_lives_from_its_creation_to_its_removal,
            policies::of_writers_of_one_revision_one_wins,
            policies::a_policy_moves_to_a_free_name_alone,
            policies::revisions_are_listed_newest_first_over_pages,
            queries::policies_are_listed_by_name_over_pages,
            queries::records_are_listed_newest_first_over_pages,
            queries::jobs_are_listed_newest_first_over_pages,
            queries::schedules_are_listed_by_name_over_pages,
            queries::a_sort_orders_what_a_filter_finds,
            queries::a_token_is_good_for_its_own_query_alone,
            queue::jobs_wait_by_priority_and_then_by_time,
            queue::a_job_that_runs_or_is_for_later_does_not_wait,
            schedules::a_schedule_is_read_as_it_was_written_and_made_once,
            schedules::of_writers_of_one_version_of_a_schedule_one_wins,
            schedules::a_schedule_made_anew_is_another_one,
            schedules::every_schedule_that_is_due_is_found_over_pages,
        }
    };
    (@cases $platform:path; $($module:ident :: $case:ident,)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                let (platform, _guard) = $platform().await;
                $crate::contract::$module::$case(&platform).await;
            }
        )+
    };
}

#[cfg(test)]
mod tests {
    /// A case that no test is made of would hold nothing.
    #[test]
    fn every_case_is_in_the_list() {
        let list = include_str!("mod.rs");
        let modules = [
            ("access", include_str!("access.rs")),
            ("contexts", include_str!("contexts.rs")),
            ("due", include_str!("due.rs")),
            ("executions", include_str!("executions.rs")),
            ("idempotency", include_str!("idempotency.rs")),
            ("jobs", include_str!("jobs.rs")),
            ("policies", include_str!("policies.rs")),
            ("queries", include_str!("queries.rs")),
            ("queue", include_str!("queue.rs")),
            ("schedules", include_str!("schedules.rs")),
        ];
        for (module, text) in modules {
            for rest in text.split("pub async fn ").skip(1) {
                let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
                let case = format!("            {module}::{},\n", name.unwrap());
                assert!(list.contains(&case), "the list has no {case}");
            }
        }
        assert_eq!(list.matches("pub mod ").count() - 1, modules.len());
    }
}
