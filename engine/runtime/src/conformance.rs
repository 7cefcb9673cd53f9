//! What every store must do, written once: `hold_to_the_contract!` makes a test of each fact.

pub mod append;
pub mod contention;
pub mod entering;
pub mod faulty;
pub mod feed;
pub mod foreseen;
pub mod forgetting;
pub mod inbox;
pub mod lease;
pub mod limits;
pub mod logs;
pub mod queue;
pub mod revision;
pub mod rows;
pub mod sample;
pub mod system;

/// A fact holds when its function returns; it panics where the store does otherwise.
pub type Checked = Result<(), Box<dyn std::error::Error>>;

/// Makes one test per fact. `$fresh` is an async function that answers with an empty store
/// (`Arc<dyn Store>`) and whatever must live as long as it.
#[macro_export]
macro_rules! hold_to_the_contract {
    (@facts $fresh:path; $($module:ident { $($fact:ident)* })*) => {$($(
        #[tokio::test]
        async fn $fact() -> $crate::conformance::Checked {
            let (store, _kept) = $fresh().await?;
            $crate::conformance::$module::$fact(store).await
        }
    )*)*};
    ($fresh:path) => {
        $crate::hold_to_the_contract! { @facts $fresh;
            append {
                an_append_is_read_back_whole
                a_row_with_a_number_that_is_taken_is_a_conflict
                a_row_that_leaves_a_gap_is_a_conflict
                a_run_begins_only_once
                one_stale_item_leaves_its_neighbours_alone
                a_key_starts_one_run
                a_key_repeated_in_one_batch_starts_one_run
                an_append_without_events_only_deletes_inputs
                an_append_without_events_must_pass_the_gate
                the_summary_is_the_one_appended
                a_large_batch_is_answered_item_by_item
            }
            contention {
                the_claimant_that_closes_a_ring_is_refused_by_name
                a_way_back_goes_first_and_tells_the_holder
                a_child_shares_what_its_parent_holds
                a_newcomer_tells_the_older_runs_of_its_group
                a_full_group_turns_away_who_will_not_wait
                a_parent_hears_of_its_childs_end
            }
            entering {
                who_need_not_wait_begins_in_one_row
                who_must_wait_begins_as_one_who_waits
                who_finds_the_application_full_waits_in_its_group
                what_it_asks_for_once_it_is_in_is_told_by_an_input
            }
            feed {
                positions_run_without_gaps
                readers_see_every_row_in_order_while_others_append
                the_feed_is_read_page_by_page
                a_waiting_reader_is_woken_by_an_append
                runs_are_listed_newest_first
                unfinished_runs_are_listed_oldest_first
            }
            forgetting {
                what_has_ended_before_is_listed_oldest_first
                a_run_that_is_taken_away_is_found_by_nobody
                what_others_name_stays_and_what_nobody_names_goes
                revisions_go_with_their_run_unless_somebody_is_at_the_target
                whoever_reads_on_is_told_of_every_hole
                a_request_is_known_as_long_as_its_run_or_for_its_own_time
            }
            foreseen {
                what_is_foreseen_is_kept_decided_and_begun_at_once
                what_came_before_begins_nothing
                whose_run_cannot_begin_is_decided_later
            }
            inbox {
                what_arrives_is_read_back_whole
                the_same_is_kept_once
                a_delivery_is_decided_once
                findings_and_their_cursor_are_written_together
                what_is_old_is_forgotten_and_what_is_undecided_never
            }
            lease {
                a_living_holder_keeps_its_lease
                a_lease_that_was_renewed_meanwhile_is_not_taken
                a_takeover_moves_every_unfinished_run_and_no_other
                an_older_epoch_writes_nothing
                a_lease_given_back_is_free_and_epochs_never_repeat
                an_unclean_end_is_counted_until_the_next_row
                an_unclean_end_counts_what_was_due_and_no_other
                an_unclean_end_counts_whoever_had_an_input
                a_clean_end_is_not_counted
                inputs_of_an_ended_run_go_with_the_next_takeover
            }
            limits {
                a_run_waits_until_fewer_of_its_application_are_under_way
                a_run_that_leaves_while_it_waits_is_forgotten
                a_start_is_refused_where_too_many_wait
                who_need_not_wait_begins_however_many_do
                a_ring_through_the_limit_is_refused_by_name
                no_more_are_under_way_than_may_be_and_none_waits_for_nothing
            }
            logs {
                printed_lines_are_read_back_in_order
                the_same_chunk_is_never_kept_twice
                an_older_epoch_prints_nothing
                attempts_that_printed_are_listed
                of_too_much_the_head_and_the_tail_are_kept
            }
            queue {
                the_first_to_ask_is_granted_at_once
                the_second_waits_until_the_first_gives_back
                a_waiter_that_withdraws_is_not_granted
                a_grant_not_yet_read_goes_with_the_release
                asking_again_keeps_the_place
                one_batch_may_give_back_and_grant
                no_target_is_free_while_somebody_waits
            }
            revision {
                numbers_count_up_for_each_target
                one_stage_has_one_number_for_all_its_components
                a_later_attempt_with_the_same_set_reuses_its_revision
                a_later_attempt_with_another_set_gets_a_new_number
                a_set_is_proven_when_its_run_gives_the_target_back
                a_set_that_a_later_attempt_replaced_is_not_proven_by_it
                a_cancelled_run_leaves_its_sets_unproven
                a_rollback_keeps_the_mark_of_its_origin_and_condemns_what_it_left
            }
            rows {
                runs_with_inputs_are_found
                inputs_are_read_in_the_order_of_their_writing
                a_repeated_request_writes_nothing
                a_request_for_no_run_is_told_so
                numbers_never_repeat
                plans_are_kept_by_their_hash
                blobs_are_kept_by_their_name
                details_tell_the_latest_text
                details_go_with_the_end_of_their_run
            }
            system {
                what_arrives_and_is_decided_stands_in_the_order_of_all_rows
                what_came_before_is_told_once
                a_reader_is_woken_by_what_arrives
                refusals_are_added_up_by_door_and_reason
                what_was_told_long_ago_is_taken_away_but_for_the_newest
            }
        }
    };
}
