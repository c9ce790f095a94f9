//! One suite that every backend passes: what callers may rely on, whatever keeps the rows.
//!
//! A backend is anything that can be opened empty and opened again over what it holds. Each behaviour is a function that
//! gets an open backend; [`suite`] makes a test of it for each backend. Groups: A durability, B ownership and order,
//! C taking things once, D statuses, E claims, F paging, G expiry, H the list of conversations, I tenants apart,
//! J erasure, K limits, L the same as the model, whatever happens, M changes of retention, N copies, O groups, P consent,
//! Q who is who, R amendments, S messages from elsewhere, T threads, U names that change hands, V exports, W plain rows, X usage, Y contacts, Z files.

mod a_durability;
mod b_ownership;
mod c_once;
mod cluster;
pub(super) mod contents;
mod d_statuses;
mod dead_references;
mod e_claims;
mod f_paging;
mod g_expiry;
mod h_list;
mod i_tenants;
pub(super) mod j_erasure;
mod k_limits;
mod kill;
mod kill_change;
mod l_model;
mod m_retention;
mod n_copies;
mod o_groups;
pub(super) mod one_of_each;
pub(super) mod ops;
mod p_consent;
mod q_identity;
mod r_amendments;
mod rewriting;
mod s_elsewhere;
pub(super) mod scene;
mod t_threads;
mod u_names;
mod v_exports;
mod w_plain;
mod x_usage;
mod y_contacts;
mod z_broadcasts;
mod z_media;
mod z_merges;

use std::sync::Arc;

use tempfile::TempDir;

pub(super) use self::cluster::Cluster;

use crate::store::Store;
use crate::store::fjall::{FjallOptions, FjallStore};
use crate::store::memory::MemoryStore;

/// A kind of store under test.
pub(super) trait Backend: Sized {
    /// Opens an empty one.
    fn open() -> Self;
    /// The store.
    fn store(&self) -> Arc<dyn Store>;
    /// Lets go of the store without telling it, and opens what it left. All other handles must be gone.
    fn reopen(self) -> Self;
}

/// In memory: reopening keeps it, since it lives as long as the process.
pub(super) struct Memory(Arc<MemoryStore>);

impl Backend for Memory {
    fn open() -> Self {
        Self(Arc::new(MemoryStore::new()))
    }

    fn store(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    fn reopen(self) -> Self {
        self
    }
}

/// In a folder of its own.
pub(super) struct Embedded {
    store: Arc<FjallStore>,
    folder: TempDir,
}

impl Embedded {
    /// Options for small tests.
    pub(super) const OPTIONS: FjallOptions = FjallOptions {
        cache_bytes: 8 << 20,
        journal_bytes: 64 << 20,
        absent: crate::store::fjall::Absent::IsMade,
        loss: crate::store::fjall::Loss::IsRefused,
    };

    /// Where it lives.
    pub(super) fn path(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Lets go of the store and keeps the folder.
    pub(super) fn close(self) -> TempDir {
        let Self { store, folder } = self;
        assert_eq!(Arc::strong_count(&store), 1, "somebody still holds the store");
        drop(store);
        folder
    }

    /// Writes what is in memory to files.
    pub(super) fn write_out(&self) {
        self.store.write_out().unwrap();
    }

    /// Opens what a folder holds.
    pub(super) fn over(folder: TempDir) -> Self {
        let store = FjallStore::open(folder.path(), Self::OPTIONS).unwrap();
        Self {
            store: Arc::new(store),
            folder,
        }
    }
}

impl Backend for Embedded {
    fn open() -> Self {
        Self::over(tempfile::tempdir().unwrap())
    }

    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    fn reopen(self) -> Self {
        Self::over(self.close())
    }
}

/// Makes a test of each behaviour for one backend.
macro_rules! suite {
    ($name:ident $backend:ident { $($group:ident { $($behaviour:ident),+ $(,)? })+ }) => {
        mod $name {
            $( mod $group {
                use super::super::Backend as _;
                $(
                #[tokio::test]
                async fn $behaviour() {
                    super::super::$group::$behaviour(super::super::$backend::open()).await;
                }
            )+ } )+
        }
    };
}

/// What every backend does.
macro_rules! all_of_it {
    ($name:ident $backend:ident) => {
        suite! { $name $backend {
            a_durability {
                a_webhook_that_was_taken_is_still_there,
                webhooks_wait_in_the_order_of_their_ids,
                a_webhook_that_is_done_waits_no_longer,
                a_committed_batch_is_there_with_all_its_rows,
                a_granted_claim_is_not_granted_again,
                fences_grow_across_restarts,
                an_element_put_aside_is_kept_until_it_is_removed_or_a_month_is_over,
        the_backlog_counts_what_is_not_done_and_knows_the_oldest,
                the_directory_is_kept,
            }
            b_ownership {
                an_owner_that_was_replaced_cannot_write,
                owners_that_take_turns_never_both_write,
                an_owner_that_looks_again_stays_the_owner,
                a_writer_that_never_opened_the_ledger_is_refused,
                a_writer_with_a_wrong_position_changes_nothing,
                events_are_numbered_without_holes,
                a_batch_with_one_impossible_op_changes_nothing,
                writes_that_come_together_fail_alone,
            }
            c_once {
                the_same_ops_again_leave_every_byte_as_it_was,
                a_webhook_repeated_after_eight_days_is_known,
                a_message_that_was_removed_before_its_time_is_taken_when_it_is_repeated,
                what_was_taken_back_or_erased_stays_away_whatever_was_removed_before_its_time,
                what_a_shorter_retention_took_is_not_brought_back_by_a_repetition,
                a_key_used_again_gives_the_first_answer,
                ops_of_one_batch_see_each_other,
            }
            d_statuses {
                any_order_and_repetition_gives_one_result,
                a_state_shown_never_goes_back,
                a_status_that_overtakes_the_answer_settles_the_message,
                a_status_finds_its_message_by_wamid_alone,
            }
            e_claims {
                a_tenant_with_something_to_send_is_found,
                of_sixteen_who_want_the_same_one_gets_it,
                a_claim_names_the_call_and_marks_the_row,
                what_was_taken_back_is_not_claimed,
                a_claim_and_a_cancellation_cannot_both_win,
                nothing_is_claimed_before_it_is_due_or_when_it_is_too_late,
                a_lane_that_knows_another_attempt_is_refused,
                a_new_owner_in_the_middle_ends_the_old_ones_claims,
                lanes_of_numbers_whose_names_begin_alike_are_apart,
            }
            f_paging {
                history_is_paged_newest_first_while_messages_come_in,
                a_page_that_ends_with_the_last_row_says_so,
                events_are_read_on_from_a_position,
                an_event_reads_as_it_was_committed,
                a_page_has_a_bound_in_bytes_and_goes_on_behind_it,
                the_list_is_paged_without_a_hole_while_conversations_move,
            }
            g_expiry {
                a_message_is_there_until_its_last_millisecond,
                a_sweep_forgets_the_beginning_of_a_message_that_is_gone,
                a_sweep_keeps_the_preview_of_a_newer_message,
                events_end_after_seven_days_from_the_oldest_on,
                events_end_with_the_messages_of_a_shorter_retention,
                a_message_that_ends_is_gone_from_every_read,
                what_told_of_a_message_goes_with_it_and_leaves_no_hole,
                what_told_of_a_message_that_ended_sooner_is_not_read,
                what_is_over_when_it_comes_is_never_told,
                a_clock_that_steps_back_makes_no_hole,
            }
            h_list {
                ten_thousand_touches_leave_the_list_in_order,
                filters_show_what_they_name_and_nothing_else,
                a_conversation_stands_in_the_list_once,
            }
            i_tenants {
                identical_ids_lead_to_each_ones_own_rows,
                what_one_does_changes_nothing_for_the_other,
                rows_are_not_found_under_another_tenant,
                a_token_of_another_tenant_finds_no_message,
                a_number_belongs_to_one_tenant,
                a_tenant_is_found_by_its_id_as_it_was_written_last,
            }
            j_erasure {
                a_broadcast_that_is_to_be_sent_knows_the_customer_no_more,
                nothing_of_the_customer_is_left_in_any_row,
                others_keep_all_that_they_had,
                positions_stay_dense_and_the_ledger_goes_on,
                erasing_again_changes_nothing,
                whoever_was_erased_is_sold_nothing_when_an_old_list_names_them,
                a_customer_who_comes_again_and_asks_for_offers_gets_them,
                a_repeated_webhook_does_not_bring_the_customer_back,
                what_was_put_aside_of_the_customer_goes_and_nothing_of_others,
                a_status_of_an_erased_message_brings_nothing_back,
                the_customer_may_come_back_as_someone_new,
                what_is_submitted_while_a_customer_is_erased_goes_too,
                what_waits_for_a_customer_who_is_gone_is_not_claimed,
                whoever_led_to_an_erased_customer_is_sold_nothing_either,
            }
            m_retention {
                a_shorter_retention_ends_messages_as_if_it_had_always_been_so,
                a_preview_tells_what_the_change_does,
                a_longer_retention_brings_nothing_back,
                a_change_that_was_cut_short_goes_on_and_ends_the_same,
                the_newest_change_wins,
                what_leads_to_a_message_ends_with_it_but_repetitions_stay_known,
                the_beginning_of_a_message_that_went_is_not_shown,
                statuses_and_messages_that_come_meanwhile_stand,
                other_tenants_keep_all_that_they_had,
                a_tenant_without_messages_is_done_at_once,
                there_and_back_again_leaves_what_was_left,
            }
            n_copies {
                what_one_store_holds_is_taken_in_by_another_and_goes_on_there,
                a_store_comes_out_as_it_went_in,
                a_copy_into_a_store_in_use_or_out_of_one_is_refused,
                whatever_differs_after_a_copy_is_noticed_on_whichever_side_it_is,
            }
            o_groups {
                a_group_has_one_conversation_whoever_writes_in_it,
                statuses_of_members_never_go_back_and_name_nobody,
                an_erased_members_messages_go_and_the_others_stay,
                erasing_a_group_leaves_its_members,
            }
            p_consent {
                what_was_accepted_before_the_customer_stopped_is_not_claimed,
                marketing_is_refused_until_the_customer_wants_it_again,
                metas_refusal_is_an_opt_out_however_it_comes,
                a_word_counts_by_when_it_was_written_and_is_told,
                a_refusal_counts_by_metas_clock_where_ours_is_behind,
                who_turns_out_to_be_somebody_who_stopped_is_left_alone,
                a_stop_is_found_however_many_links_lead_to_it,
            }
            q_identity {
                a_notice_of_a_change_is_not_undone_by_its_own_message,
                nothing_late_and_no_caller_brings_an_old_name_back,
                a_change_told_after_messages_under_the_new_names_joins_them,
                changes_told_in_the_wrong_order_end_with_the_newest_names,
                a_number_that_somebody_else_has_now_is_somebody_else,
                two_known_people_who_show_one_phone_stay_two,
                a_caller_who_gives_two_peoples_names_makes_them_one_no_more,
                a_link_keeps_the_history_and_the_newest_window,
                what_graph_calls_a_number_leads_to_whom_it_was_sent,
                a_number_leads_to_one_contact_in_both_of_its_forms,
                a_call_opens_the_window_and_is_told_once,
                consent_and_erasure_follow_the_person,
                what_waits_when_its_customer_moves_goes_to_the_new_names,
                what_was_written_before_a_number_went_to_another_goes_where_it_stands,
            }
            t_threads {
                messages_of_one_second_stand_in_the_order_in_which_they_came,
                a_late_message_stands_in_its_place_and_is_not_the_last,
                after_a_sweep_the_newest_that_is_left_is_the_last,
                a_last_message_without_words_is_the_last_all_the_same,
                what_agents_have_to_do_follows_a_person_to_the_thread_that_goes_on,
                the_list_tells_of_the_last_message_what_it_is_and_whether_it_failed,
            }
            u_names {
                a_late_notice_moves_whoever_had_the_number_then,
                a_notice_that_comes_again_after_the_way_back_moves_nobody,
                a_notice_older_than_the_last_message_moves_nobody,
                what_a_numbers_former_owner_wrote_stays_with_them,
                a_late_message_tells_a_name_that_is_over,
                a_number_that_was_left_leads_to_whom_meta_mentions_by_it,
                an_opt_out_of_a_number_that_was_left_is_its_new_owners,
                who_loses_a_number_is_told_of_once,
                who_changes_ids_alone_keeps_the_number,
                links_one_behind_another_are_followed_to_their_end,
                one_parent_id_is_one_person_whatever_portfolio_tells_of_them,
                two_changes_told_in_reverse_leave_the_number_to_its_next_owner,
                a_notice_that_comes_after_the_next_owner_tells_whose_the_number_was,
                a_late_message_tells_whose_the_number_was_before_its_next_owner,
            }
            r_amendments {
                an_edit_changes_its_message_and_keeps_what_it_said,
                what_is_taken_back_is_gone_from_every_row,
                the_last_message_taken_back_leaves_no_beginning_and_no_trace_in_its_batch,
                what_changes_a_message_that_has_not_come_is_kept_for_it,
                a_message_stands_in_its_own_place_although_its_edit_came_first,
                what_somebody_else_says_of_a_message_before_it_comes_does_not_stand_for_it,
                nobody_changes_what_somebody_else_wrote,
                what_is_taken_back_is_not_unread_in_whatever_order_it_comes,
                a_change_under_names_that_turn_out_to_be_the_authors_is_made_then,
                whatever_links_an_author_to_who_took_it_back_takes_it_back,
                a_strangers_change_hides_no_message_that_comes_later,
                what_its_author_took_back_before_it_came_stays_away_under_other_names,
            }
            s_elsewhere {
                what_the_business_writes_on_its_phone_stands_in_the_conversation,
                imported_messages_stand_where_they_belong_and_ask_for_nothing,
                an_imported_placeholder_becomes_what_it_stands_for,
                media_told_before_their_thread_are_found_by_what_stands_for_them_there,
                an_import_ahead_of_the_clock_is_no_activity_and_not_the_last,
                what_another_program_answers_is_shown_and_asks_for_nothing,
                a_reaction_that_is_taken_away_reopens_nothing,
            }
            v_exports {
                what_is_exported_is_what_is_read,
            }
            w_plain {
                a_row_is_replaced_by_who_knows_it,
                of_many_who_change_one_row_none_overwrites_another,
                rows_stand_in_order_and_no_partition_runs_into_another,
                a_row_is_there_until_its_last_millisecond_and_may_be_added_again_then,
                what_is_too_long_is_refused_and_the_longest_comes_back_whole,
            }
            x_usage {
                what_is_counted_is_counted_once_wherever_counting_stops,
                events_that_are_gone_are_told_and_passed_over,
            }
            y_contacts {
                what_is_noted_is_kept_told_once_and_found,
                who_is_there_is_not_made_again_and_what_is_refused_leaves_nothing,
                what_nobody_is_told_of_makes_no_event,
                places_are_paged_both_ways_in_order,
                who_is_one_person_stands_once_with_what_was_noted_of_both,
                nothing_finds_who_was_erased,
                who_is_made_by_a_phone_takes_the_row_of_nobody_who_had_it,
                what_was_written_about_who_was_erased_goes_too,
                a_copy_is_found_by_the_same,
            }
            z_broadcasts {
                each_recipient_has_one_turn_and_nobody_is_told,
                counts_move_with_every_step_of_a_message,
                nothing_is_claimed_against_a_halt_and_what_is_cancelled_ends,
                whoever_may_not_be_written_to_is_counted_and_not_sent_to,
                a_conversation_enters_the_list_when_its_customer_answers_with_the_message_above,
                where_somebody_works_a_broadcast_changes_nothing_that_shows,
                what_customers_do_counts_once_and_for_a_week,
                progress_is_told_once_a_second_and_usage_counts_each_message_once,
                an_erased_recipient_waits_no_longer,
                a_broadcast_goes_on_in_a_copy,
                two_recipients_who_turn_out_to_be_one_get_it_once,
                who_is_blocked_while_the_message_waits_is_not_called_for,
                what_waited_for_longer_than_messages_are_kept_is_not_sent,
                the_newest_word_on_a_broadcast_holds_also_where_it_said_nothing_new,
            }
            z_media {
                a_message_shows_its_file_from_the_beginning_and_what_becomes_of_it,
                a_file_is_not_shown_with_what_was_taken_back_nor_with_another_message,
            }
            z_merges {
                two_cards_are_one_customer_until_that_is_undone,
                what_holds_for_a_customer_holds_on_every_card,
                an_inner_merge_is_undone_by_itself,
                erasing_any_card_erases_the_customer,
                undoing_takes_only_what_goes_with_the_other,
                who_leaves_with_the_other_keeps_what_is_noted_of_it,
                two_cards_that_turn_out_to_be_a_third_lose_nothing,
                whatever_happens_cards_are_of_one_customer_and_nothing_is_lost,
            }
            k_limits {
                a_message_of_a_mebibyte_comes_back_whole,
                a_webhook_of_three_mebibytes_comes_back_whole,
                many_large_webhooks_at_once_are_all_taken,
                empty_values_stay_empty,
                keys_at_the_ends_of_their_ranges_are_found_and_do_not_run_over,
                times_before_1970_are_in_order_too,
                ten_thousand_labels_are_refused_and_lose_none,
                what_was_never_there_is_none,
            }
        } }
    };
}

/// What a backend does that removes expired rows itself: a cluster does so by its own clock, see [`cluster`].
macro_rules! sweeping {
    ($name:ident $backend:ident) => {
        suite! { $name $backend {
            g_expiry {
                a_status_does_not_make_its_message_live_longer,
                a_retention_that_changed_moves_the_end_of_what_is_written_again,
                sweeping_removes_what_expired_and_nothing_else,
                a_small_sweep_says_that_there_is_more,
                a_message_that_ends_sooner_takes_what_told_of_it_along,
            }
            w_plain {
                a_sweep_removes_rows_whose_time_is_over_and_no_others,
            }
        } }
    };
}

all_of_it!(memory Memory);
all_of_it!(embedded Embedded);
all_of_it!(on_cluster Cluster);
sweeping!(sweeping_memory Memory);
sweeping!(sweeping_embedded Embedded);
