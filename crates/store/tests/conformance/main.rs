//! One suite, run once per engine: every query of the crate, also with several writers at once.
//!
//! PostgreSQL is the one whose administrator's URL is in `COUNTERSIGN_TEST_POSTGRES`; each test
//! makes a database there and drops it.

#![expect(clippy::unwrap_used, reason = "tests")]

mod database;
mod samples;

mod background;
mod brownouts;
mod credentials;
mod directory;
mod evidence;
mod identities;
mod keys;
mod logs;
mod notices;
mod opening;
mod project_search;
mod published;
mod races;
mod single_use;
mod standard_tokens;
mod transactions;
mod waves;

mod postgres_only;
mod sqlite_only;

/// Declares each test once for SQLite and once for PostgreSQL.
macro_rules! suite {
    ($($module:ident: $($name:ident),+;)+) => {
        mod sqlite {$(
            mod $module {$(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $name() {
                    let database = crate::database::TestDatabase::sqlite().await;
                    crate::$module::$name(&database).await;
                    database.remove().await;
                }
            )+}
        )+}

        mod postgres {$(
            mod $module {$(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $name() {
                    let Some(database) = crate::database::TestDatabase::postgres().await else {
                        return;
                    };
                    crate::$module::$name(&database).await;
                    database.remove().await;
                }
            )+}
        )+}
    };
}

suite! {
    background:
        a_lease_has_one_holder,
        a_lease_raced_for_has_one_winner,
        a_lease_that_a_wrong_clock_took_is_free,
        a_stale_holder_cannot_write,
        nodes_hear_each_other,
        the_first_value_of_a_setting_stays;
    brownouts:
        a_brownout_comes_back_whole,
        a_credential_leaves_what_is_still_to_come,
        an_end_is_saved_once,
        nodes_that_add_refusals_at_once_lose_none,
        old_brownouts_are_trimmed;
    credentials:
        a_count_and_a_place_among_many_are_the_organizations,
        a_credential_comes_back_whole,
        a_deleted_credential_leaves_nothing_but_its_ids,
        a_key_is_found_with_its_owners,
        a_page_of_credentials_has_all_their_children,
        a_replaced_digest_counts_as_a_change,
        a_save_changes_exactly_what_differs,
        a_save_from_an_old_revision_is_refused,
        an_id_is_never_used_twice,
        every_state_of_a_migration_is_stored,
        migrations_are_listed_and_quarantines_found_when_they_are_over,
        what_never_changes_cannot_be_saved;
    directory:
        a_workspace_is_found_in_its_organization_only,
        numbered_projects_are_filtered,
        workspaces_are_named_once_and_deleted_when_they_are_empty,
        an_organization_is_found_by_its_number,
        names_are_unique_in_their_organization,
        organizations_are_listed_in_pages,
        organizations_are_saved_by_revision,
        policies_are_put_and_removed,
        projects_are_saved_by_revision,
        projects_come_by_number_in_either_order,
        projects_come_back_with_their_workspaces,
        technical_accounts_and_profiles_come_back;
    evidence:
        a_finding_keeps_its_last_caller,
        an_owner_is_found_by_the_id_of_what_it_has,
        attempts_are_added_up_saved_and_forgotten,
        callers_are_saved_by_their_differences,
        days_are_added_up_and_trimmed,
        evidence_of_many_credentials_is_written_at_once,
        nodes_that_count_a_day_at_once_lose_nothing,
        nodes_that_save_callers_at_once_lose_none;
    identities:
        a_state_comes_back_once,
        an_identity_is_found_by_issuer_and_subject_alone,
        an_identity_is_of_one_person;
    keys:
        a_key_moves_only_from_the_state_it_is_in,
        there_is_at_most_one_active_key;
    logs:
        a_reader_with_an_overlap_misses_no_change,
        audit_events_are_paged_newest_first,
        audit_events_are_found_by_what_they_are_about,
        changes_of_every_topic_come_back_in_order,
        changes_that_only_a_later_release_knows_are_seen,
        long_change_logs_come_whole,
        refusals_are_found_and_trimmed,
        usage_is_added_up;
    notices:
        a_calendar_link_is_found_by_its_digest,
        a_failed_message_waits_and_is_given_up,
        a_message_is_claimed_by_one_node,
        administrators_are_those_who_can_sign_in,
        ends_are_listed_in_pages_and_counted,
        migrations_to_tell_of_are_listed,
        nodes_that_find_the_same_tell_it_once,
        notices_are_bundled_by_address_and_listed,
        old_notices_are_trimmed;
    opening:
        a_later_schema_is_opened_while_it_can_be_read,
        a_modified_migration_is_refused,
        a_row_that_cannot_be_read_is_named,
        a_sound_database_is_found_sound,
        many_processes_open_a_new_database_at_once,
        what_was_written_is_there_after_reopening;
    project_search:
        a_page_behind_a_key_goes_on_in_every_order,
        projects_are_found_by_what_is_in_them,
        what_is_typed_means_itself;
    published:
        calls_of_a_service_are_added_up_and_saved,
        definitions_are_kept_as_they_are,
        whoever_publishes_second_sees_the_first;
    races:
        lost_races_are_repeated_until_each_change_is_in,
        of_many_saves_of_one_revision_one_wins,
        one_assertion_is_used_once;
    single_use:
        a_revocation_keeps_the_later_end,
        many_revocations_are_listed_whole,
        revocations_are_trimmed_when_they_expired,
        used_assertions_are_trimmed_in_batches;
    standard_tokens:
        a_database_of_the_first_schema_is_carried_over,
        each_algorithm_has_its_own_active_key,
        every_kind_of_token_is_stored,
        keys_of_clients_are_evidence_and_can_be_revoked;
    transactions:
        a_dropped_write_leaves_nothing,
        a_failed_transaction_is_not_committed,
        a_missing_parent_is_refused,
        a_reader_sees_one_moment,
        only_what_may_succeed_later_is_repeated;
    waves:
        a_credential_is_in_one_wave_or_in_none,
        a_wave_is_saved_by_revision_and_found_by_name,
        what_is_deleted_leaves_its_wave;
}
