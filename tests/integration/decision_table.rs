//! The decision table of the design: ninety-two corner cases, and for each the tests that show what happens in it.
//!
//! A test is named as the test binary lists it; one that begins with `tokenward::` is a unit test of the library. A row
//! without a test, and a name without a test that runs, fail here. What no topic's own file tests to its edges is below.

mod http;
mod listing;
mod pods;
mod secrets;

use std::collections::BTreeSet;

/// How many rows the table has.
const ROWS_OF_THE_TABLE: usize = 92;

/// A corner case and what shows the outcome.
struct Row {
    number: usize,
    case: &'static str,
    tests: &'static [&'static str],
}

const fn row(number: usize, case: &'static str, tests: &'static [&'static str]) -> Row {
    Row { number, case, tests }
}

const ROWS: &[Row] = &[
    row(
        1,
        "a Pod with the built-in volume: retuned where the policy says so, else left alone and found",
        &[
            "injection::leaves_an_automounted_pod_alone",
            "injection::retunes_the_built_in_volume_by_one_number",
            "pod_rules::warns_of_an_automounted_token_that_was_not_retuned",
            "decision_table::pods::the_built_in_volume_is_known_by_name_and_content_together",
            "scenarios::restricted::an_automounted_pod_is_stored_with_3600_seconds",
        ],
    ),
    row(
        2,
        "the Pod says automount false, whatever its account says: injected unless it declines",
        &[
            "injection::gives_a_pod_that_refuses_automount_a_short_lived_token",
            "injection::honours_a_pod_that_wants_no_token",
            "scenarios::injection::a_pod_that_says_automount_false_is_stored_with_a_projected_token",
            "scenarios::injection::the_opt_out_annotation_is_honoured",
        ],
    ),
    row(
        3,
        "the Pod says nothing, its account false: injected",
        &[
            "injection::gives_it_where_the_account_switched_automount_off",
            "scenarios::injection::a_pod_of_an_account_that_says_automount_false_is_stored_with_a_projected_token",
        ],
    ),
    row(
        4,
        "the Pod says true over an account that says false: as row 1",
        &[
            "injection::leaves_an_automounted_pod_alone",
            "scenarios::api_server::a_pod_that_says_true_is_given_the_built_in_volume_over_its_account",
        ],
    ),
    row(
        5,
        "neither says anything: the API server automounts",
        &[
            "injection::leaves_an_automounted_pod_alone",
            "scenarios::injection::a_pod_of_an_account_that_automounts_is_untouched",
        ],
    ),
    row(
        6,
        "no account is named: it is default",
        &[
            "injection::gives_the_default_account_a_token_only_on_request",
            "held_token_rules::a_pod_without_an_account_is_one_of_the_default_account",
            "scenarios::api_server::a_pod_without_an_account_arrives_as_one_of_default",
        ],
    ),
    row(
        7,
        "the account default: the same rules, and no API token of it",
        &[
            "held_token_rules::denies_an_api_token_of_the_default_account",
            "injection::gives_the_default_account_a_token_only_on_request",
            "scenarios::injection::the_account_default_gets_a_token_only_on_request",
        ],
    ),
    row(
        8,
        "the account does not exist: refused before any webhook is asked",
        &["scenarios::api_server::a_pod_of_a_missing_account_never_reaches_a_webhook"],
    ),
    row(
        9,
        "one container brings its own mount at the directory: it is passed over, the others are given theirs",
        &[
            "injection::passes_over_a_container_with_its_own_mount_in_silence",
            "scenarios::injection::a_container_that_has_something_at_the_directory_keeps_it",
        ],
    ),
    row(
        10,
        "all containers bring their own: no volume is added",
        &["injection::adds_no_volume_where_every_container_has_its_own_mount"],
    ),
    row(
        11,
        "other spellings of the directory are the directory",
        &["injection::passes_over_a_container_with_something_in_the_way_and_says_so_once"],
    ),
    row(
        12,
        "/run is /var/run where something may be in the way",
        &[
            "injection::passes_over_a_container_with_something_in_the_way_and_says_so_once",
            "pod_rules::is_silent_of_containers_that_injection_passes_over",
        ],
    ),
    row(
        13,
        "a mount of a directory above: injected, with a word",
        &[
            "injection::mounts_inside_a_parent_mount_and_says_so",
            "decision_table::pods::mounts_inside_each_parent_of_the_directory_and_says_so",
        ],
    ),
    row(
        14,
        "a mount below the directory: passed over, with a word",
        &[
            "injection::passes_over_a_container_with_something_in_the_way_and_says_so_once",
            "injection::says_what_is_in_the_way_even_where_nobody_is_given_a_token",
        ],
    ),
    row(
        15,
        "a device at the directory: passed over",
        &["injection::passes_over_a_container_with_something_in_the_way_and_says_so_once"],
    ),
    row(
        16,
        "init containers are given it too",
        &[
            "injection::mounts_it_in_regular_init_and_sidecar_containers",
            "scenarios::injection::a_pod_that_says_automount_false_is_stored_with_a_projected_token",
        ],
    ),
    row(
        17,
        "sidecars are given it too",
        &[
            "injection::mounts_it_in_regular_init_and_sidecar_containers",
            "scenarios::injection::a_pod_that_says_automount_false_is_stored_with_a_projected_token",
        ],
    ),
    row(
        18,
        "ephemeral containers in a new Pod: not touched, and refused by the API server",
        &[
            "injection::never_touches_ephemeral_containers",
            "scenarios::api_server::ephemeral_containers_in_a_new_pod_are_refused_by_the_api_server",
        ],
    ),
    row(
        19,
        "a new ephemeral container reaches a legacy token: refused, never injected",
        &[
            "references::denies_a_new_ephemeral_container_that_reaches_one",
            "references::denies_a_new_ephemeral_container_that_mounts_a_volume_with_one",
            "injection::never_changes_an_update",
            "scenarios::restricted::an_ephemeral_container_that_reaches_a_legacy_secret_is_refused",
            "scenarios::attacks::reference::an_ephemeral_container_is_refused",
        ],
    ),
    row(
        20,
        "an update of ephemeral containers that adds nothing bad: allowed",
        &[
            "references::allows_an_ephemeral_container_that_adds_nothing_to_what_was_there",
            "held_token_rules::of_ephemeral_containers_only_new_ones_are_looked_at",
        ],
    ),
    row(
        21,
        "image, labels or annotations of an old Pod change: nothing is said",
        &[
            "decision_table::pods::says_nothing_of_an_old_pod_whose_image_labels_or_annotations_change",
            "injection::never_changes_an_update",
        ],
    ),
    row(
        22,
        "other subresources that reach us by mistake: let through",
        &[
            "decision_table::pods::lets_through_what_reaches_us_of_other_sub_resources",
            "injection::never_changes_an_update",
        ],
    ),
    row(
        23,
        "a node's mirror Pod: not changed, allowed",
        &["injection::never_changes_a_mirror_pod", "pod_rules::allows_a_mirror_pod_whatever_it_asks_for"],
    ),
    row(
        24,
        "somebody else forges a mirror Pod: the API server refuses its Secrets and account, and we look for Secrets",
        &[
            "references::a_mirror_pod_is_allowed_and_what_it_reaches_is_found_all_the_same",
            "webhook_configuration::only_a_node_s_mirror_pod_is_kept_back",
            "scenarios::api_server::a_forged_mirror_pod_can_have_no_secret_and_no_token",
        ],
    ),
    row(
        25,
        "a token mount that is not marked read-only: allowed; ours is marked",
        &["decision_table::pods::a_token_mount_need_not_be_read_only_and_ours_is"],
    ),
    row(
        26,
        "a token by subPath: found, as it is never renewed",
        &["held_token_rules::denies_a_token_by_sub_path_which_is_never_renewed"],
    ),
    row(27, "a Windows Pod: the same change", &["injection::gives_windows_and_host_network_pods_the_same"]),
    row(28, "the host's namespaces: no matter", &["injection::gives_windows_and_host_network_pods_the_same"]),
    row(29, "a volume of our name and content: used", &["injection::uses_a_volume_of_its_name_and_content"]),
    row(
        30,
        "a volume of our name with other content: another name is taken, with a word",
        &[
            "injection::neither_trusts_nor_changes_a_volume_of_its_name_with_other_content",
            "injection::takes_the_first_free_name",
            "pod_rules::is_satisfied_by_a_volume_under_another_name",
        ],
    ),
    row(
        31,
        "a volume with the built-in one's name that holds something else: judged by what it holds",
        &[
            "decision_table::pods::refuses_a_legacy_secret_in_a_volume_with_the_built_in_ones_name",
            "pod_rules::judges_a_volume_that_only_has_the_name_of_the_built_in_one",
            "scenarios::api_server::the_api_server_mounts_whatever_has_the_built_in_volumes_name_and_we_refuse_it",
        ],
    ),
    row(
        32,
        "two volumes or mounts of one name or path: left to the API server, which refuses them",
        &[
            "injection::leaves_it_to_the_api_server_to_refuse_two_volumes_of_one_name",
            "patch_properties::holds_of_every_patch",
            "scenarios::api_server::two_volumes_of_one_name_and_two_mounts_at_one_path_are_refused_by_the_api_server",
        ],
    ),
    row(
        33,
        "no list of volumes or mounts: a whole list is added",
        &[
            "injection::appends_to_a_list_that_is_there_and_adds_one_that_is_not",
            "patch_properties::holds_of_every_patch",
        ],
    ),
    row(
        34,
        "an annotation key in the path of a patch is escaped",
        &["injection::stamps_a_pod_beside_its_other_annotations", "patch_properties::holds_of_every_patch"],
    ),
    row(
        35,
        "our own result sent again: no change",
        &["injection::changes_nothing_the_second_time", "patch_properties::holds_of_every_patch"],
    ),
    row(
        36,
        "a sidecar added after us: the second round gives it the mount, else it is warned about",
        &[
            "injection::mounts_the_token_in_a_sidecar_that_came_later",
            "pod_rules::warns_of_a_container_that_came_after_injection",
            "decision_table::pods::a_container_that_came_after_us_is_found_in_the_phase_that_sees_the_final_pod",
            "scenarios::second_webhook::a_sidecar_that_is_added_after_us_gets_the_token_too",
        ],
    ),
    row(
        37,
        "a Pod with a generated name: injected without a name",
        &["injection::needs_no_name", "scenarios::injection::a_pod_with_a_generated_name_is_injected"],
    ),
    row(
        38,
        "a controller's Pod: judged like anybody's",
        &[
            "decision_table::pods::decides_the_same_whoever_asks",
            "scenarios::deployments::a_template_is_warned_about_and_its_pods_are_refused",
        ],
    ),
    row(
        39,
        "a template: warned about, never refused, never changed; none, nothing to say",
        &[
            "references::warns_of_every_kind_of_template_and_denies_none",
            "references::never_changes_a_template",
            "references::a_workload_without_a_template_has_nothing_to_say",
            "pod_rules::warns_of_templates_and_never_refuses_them",
        ],
    ),
    row(
        40,
        "a dry run: the same decision, and not counted as a Pod that was given a token",
        &[
            "injection::does_the_same_in_a_dry_run",
            "pod_rules::decides_the_same_in_a_dry_run",
            "secret_rules::decides_the_same_in_a_dry_run",
            "decision_table::http::a_dry_run_is_a_review_but_gives_no_pod_a_token",
            "scenarios::injection::a_dry_run_gives_the_same_verdict_and_stores_nothing",
        ],
    ),
    row(
        41,
        "a lifetime under ten minutes: neither mended nor found, and refused by the API server",
        &[
            "injection::repairs_no_lifetime_that_is_too_short",
            "pod_rules::leaves_a_lifetime_that_is_too_short_to_the_api_server",
            "scenarios::api_server::a_lifetime_under_ten_minutes_is_refused_by_the_api_server_and_none_is_an_hour",
        ],
    ),
    row(
        42,
        "no lifetime: an hour",
        &[
            "pod_rules::takes_no_lifetime_for_an_hour",
            "scenarios::api_server::a_lifetime_under_ten_minutes_is_refused_by_the_api_server_and_none_is_an_hour",
        ],
    ),
    row(
        43,
        "a lifetime over the maximum: refused, not changed",
        &["pod_rules::denies_a_token_over_the_maximum", "decision_table::pods::changes_no_lifetime_that_is_too_long"],
    ),
    row(
        44,
        "3607 seconds for the API server: a year",
        &[
            "pod_rules::takes_3607_seconds_for_one_year_whatever_name_the_api_server_goes_by",
            "scenarios::restricted::a_hand_made_volume_of_3607_seconds_is_refused_as_one_year",
            "rig_works::three_thousand_six_hundred_seven_seconds_means_one_year",
        ],
    ),
    row(
        45,
        "3607 seconds for somebody else: 3607 seconds",
        &[
            "pod_rules::takes_3607_seconds_for_what_they_are_where_the_audience_is_foreign",
            "rig_works::three_thousand_six_hundred_seven_seconds_means_one_year",
        ],
    ),
    row(
        46,
        "several tokens and audiences: each is judged",
        &[
            "pod_rules::judges_every_source_of_every_volume_in_one_finding",
            "pod_rules::denies_an_audience_that_the_list_does_not_have",
            "pod_rules::takes_the_empty_audience_in_the_list_for_every_name_of_the_api_server",
        ],
    ),
    row(
        47,
        "two sources write one file, one of them a token: refused, since the API server does not notice",
        &[
            "held_token_rules::denies_two_sources_that_write_the_file_of_a_token",
            "decision_table::pods::a_token_behind_another_source_is_found_in_both_orders",
            "scenarios::api_server::the_api_server_takes_two_sources_for_one_file_and_we_refuse_them",
        ],
    ),
    row(
        48,
        "a token in a volume that nobody mounts: judged",
        &["pod_rules::judges_every_source_of_every_volume_in_one_finding"],
    ),
    row(
        49,
        "a volume of a legacy Secret: refused",
        &[
            "references::denies_a_legacy_token_by_every_route",
            "scenarios::restricted::a_pod_that_reaches_a_legacy_secret_as_a_whole_is_refused",
        ],
    ),
    row(
        50,
        "a variable or all variables from it: refused",
        &[
            "references::denies_a_legacy_token_by_every_route",
            "scenarios::restricted::a_container_that_reaches_a_legacy_secret_is_refused_whatever_its_kind",
            "scenarios::attacks::reference::env_from_of_an_init_container_is_refused",
        ],
    ),
    row(
        51,
        "a projected source of it: refused",
        &[
            "references::denies_a_legacy_token_by_every_route",
            "scenarios::restricted::a_pod_that_reaches_a_legacy_secret_as_a_whole_is_refused",
            "scenarios::attacks::reference::a_projected_source_is_refused",
        ],
    ),
    row(52, "storage plug-ins that are given it: refused", &["references::denies_a_legacy_token_by_every_route"]),
    row(
        53,
        "images pulled with it: refused",
        &[
            "references::denies_a_legacy_token_by_every_route",
            "scenarios::restricted::a_pod_that_reaches_a_legacy_secret_as_a_whole_is_refused",
        ],
    ),
    row(
        54,
        "a Secret of which nothing is known: allowed and noted; an exception by name makes it known",
        &[
            "references::guesses_nothing_from_a_name",
            "references::says_nothing_of_other_secrets_by_any_route",
            "references::knows_a_secret_from_an_exception_that_names_it_even_for_another_rule",
            "references::knows_nothing_from_an_exception_with_a_glob",
        ],
    ),
    row(
        55,
        "a token in a text: refused where the rule is on, and never repeated",
        &[
            "held_token_rules::denies_a_token_in_the_text_of_a_pod",
            "held_token_rules::denies_a_token_in_an_annotation",
            "decision_table::pods::looks_for_no_token_in_texts_where_the_rule_is_off",
            "canary::no_canary_comes_out_of_an_answer",
        ],
    ),
    row(
        56,
        "a host path to the kubelet's directory: not our business",
        &["decision_table::pods::host_paths_are_the_business_of_others"],
    ),
    row(
        57,
        "a new token Secret: refused, with what to do instead",
        &[
            "secret_rules::denies_a_token_secret_without_exception",
            "scenarios::legacy_secrets::kubectl_create_of_a_token_secret_is_refused",
            "scenarios::legacy_secrets::the_refusal_is_a_403_with_the_field_as_its_cause",
        ],
    ),
    row(
        58,
        "one that an exception lists: allowed and noted",
        &[
            "exceptions::allows_what_it_lists_and_says_which_one_did",
            "exceptions::matches_namespace_and_secret_and_account",
            "scenarios::legacy_secrets::a_matching_exception_allows_it_and_the_token_controller_fills_it_in",
        ],
    ),
    row(
        59,
        "one with a generated name: judged by its final name, in the validating phase alone",
        &[
            "secret_rules::judges_the_final_name_of_a_secret_that_asked_for_a_prefix",
            "secret_rules::refuses_nothing_and_changes_nothing_when_it_is_asked_for_changes",
            "scenarios::api_server::a_token_secret_with_a_generated_name_is_refused_under_its_final_name",
        ],
    ),
    row(
        60,
        "one that is applied, on the server's side or in a dry run: a creation like any",
        &[
            "scenarios::legacy_secrets::kubectl_apply_of_a_token_secret_is_refused",
            "scenarios::legacy_secrets::the_refusal_is_a_403_with_the_field_as_its_cause",
            "scenarios::injection::a_dry_run_gives_the_same_verdict_and_stores_nothing",
        ],
    ),
    row(
        61,
        "a PUT to a Secret that is not there: 404 by the API server",
        &["scenarios::api_server::a_put_makes_no_secret"],
    ),
    row(
        62,
        "the annotation without the type: an ordinary Secret",
        &[
            "secret_rules::allows_what_the_token_controller_does_not_fill",
            "ordinary::restricted_says_of_ordinary_manifests_what_is_listed_and_nothing_else",
        ],
    ),
    row(
        63,
        "the type in other letters, or a type of one's own: only searched for tokens",
        &[
            "secret_rules::allows_what_the_token_controller_does_not_fill",
            "decision_table::secrets::a_type_in_other_letters_is_searched_for_tokens_like_any_other",
        ],
    ),
    row(
        64,
        "a token in stringData: found in data",
        &[
            "decision_table::secrets::a_token_in_string_data_is_found_where_the_api_server_puts_it",
            "scenarios::api_server::a_token_in_string_data_arrives_in_data_and_is_refused",
        ],
    ),
    row(
        65,
        "a Secret with a copy of a legacy token: refused where tokens are searched for",
        &[
            "secret_changes::denies_a_copied_legacy_token_wherever_it_lies",
            "scenarios::attacks::stored_copy::a_copy_is_refused_in_whatever_it_is_wrapped",
        ],
    ),
    row(
        66,
        "a Secret with the token that names this very Secret: a revival",
        &[
            "secret_changes::denies_the_revival_of_a_deleted_token_in_a_secret_of_any_type",
            "secret_changes::a_restored_backup_of_a_token_secret_is_a_revival_also_where_a_new_token_is_allowed",
            "scenarios::attacks::revival::a_deleted_token_stays_dead_in_whatever_secret",
        ],
    ),
    row(
        67,
        "the token controller fills a Secret in: allowed by the shape of the change",
        &[
            "secret_changes::lets_the_control_plane_do_its_work",
            "scenarios::legacy_secrets::a_matching_exception_allows_it_and_the_token_controller_fills_it_in",
            "scenarios::control_plane::the_token_controller_fills_in_and_cleans_up",
        ],
    ),
    row(
        68,
        "the labels of last use and of invalidity: allowed",
        &[
            "secret_changes::lets_the_control_plane_do_its_work",
            "webhook_configuration::the_note_of_a_token_s_last_use_does_not_wait_for_us",
            "scenarios::control_plane::the_api_server_notes_the_last_use_of_a_token",
            "scenarios::control_plane::the_legacy_token_cleaner_switches_forgotten_tokens_off_and_deletes_them",
        ],
    ),
    row(
        69,
        "the account is changed or the token emptied: refused, unless an exception lists the new triple",
        &[
            "secret_changes::denies_turning_a_token_secret_to_another_account",
            "secret_changes::denies_turning_it_even_where_the_token_stays",
            "secret_changes::another_account_needs_an_exception_of_its_own",
            "secret_changes::emptying_the_token_is_denied_and_under_an_exception_it_is_rotation",
            "decision_table::secrets::a_changed_uid_alone_is_no_turning",
            "decision_table::secrets::taking_the_accounts_name_away_is_no_turning",
            "scenarios::attacks::retarget::a_secret_is_not_turned_to_another_account_in_whatever_way",
        ],
    ),
    row(
        70,
        "the label of invalidity is taken away: refused",
        &[
            "secret_changes::denies_taking_the_invalid_since_label_away_or_emptying_it",
            "scenarios::attacks::retarget::a_token_that_was_switched_off_is_switched_on_again",
        ],
    ),
    row(
        71,
        "any other update of an old token Secret: allowed without a word, and its state noted",
        &[
            "secret_rules::allows_an_update_that_adds_nothing_without_a_word_and_records_the_state",
            "exceptions::an_update_says_whether_the_secret_is_listed",
        ],
    ),
    row(
        72,
        "what is being deleted: always let go",
        &[
            "decision_table::secrets::lets_everything_go_that_is_being_deleted_but_what_is_added_to_a_secret",
            "secret_rules::lets_a_secret_go_that_is_being_deleted",
            "webhook_configuration::what_is_being_deleted_is_let_go",
            "scenarios::control_plane::a_namespace_goes_with_all_that_is_held_in_it",
        ],
    ),
    row(
        73,
        "the type of a Secret is changed: refused by the API server",
        &["scenarios::api_server::the_type_of_a_secret_cannot_be_changed"],
    ),
    row(
        74,
        "an immutable token Secret: the same rules, and the controller cannot fill it in",
        &[
            "secret_rules::denies_an_immutable_one_too",
            "decision_table::secrets::the_vain_fill_in_of_an_immutable_token_secret_is_no_finding",
            "scenarios::api_server::an_immutable_token_secret_stays_empty",
        ],
    ),
    row(
        75,
        "deletions: not sent to us, and allowed if they are",
        &[
            "secret_rules::allows_a_delete_if_one_arrives",
            "admission_wire::a_delete_needs_no_object",
            "webhook_configuration::sends_exactly_these_operations_and_resources",
            "scenarios::control_plane::the_garbage_collector_orphans_and_deletes_what_an_owner_leaves",
        ],
    ),
    row(
        76,
        "a token in a docker config: a warning at most, but what revives one is refused",
        &[
            "secret_changes::a_token_in_a_docker_config_is_at_most_a_warning",
            "decision_table::secrets::what_revives_a_token_is_refused_in_a_docker_config_too",
        ],
    ),
    row(
        77,
        "an account that automounts: warned about, never changed",
        &[
            "secret_rules::warns_of_an_account_that_automounts",
            "secret_rules::warns_of_an_update_only_where_it_takes_the_false_away",
            "decision_table::secrets::changes_nothing_but_pods",
        ],
    ),
    row(
        78,
        "an account that newly lists a legacy Secret: warned about",
        &["account_and_namespace_rules::warns_of_a_legacy_secret_that_an_account_newly_lists"],
    ),
    row(
        79,
        "a reference that is taken away from an account: allowed",
        &[
            "account_and_namespace_rules::says_nothing_of_what_an_account_has_listed_before",
            "scenarios::control_plane::the_token_controller_fills_in_and_cleans_up",
        ],
    ),
    row(
        80,
        "the annotation for mountable Secrets: allowed, and Kubernetes warns by itself",
        &[
            "secret_rules::says_nothing_of_other_changes_of_an_account",
            "scenarios::api_server::kubernetes_itself_warns_of_the_annotation_for_mountable_secrets",
        ],
    ),
    row(
        81,
        "a request for a long token, or one bound to a Secret: refused but for nodes, fails open, never changed",
        &[
            "account_and_namespace_rules::denies_a_token_request_over_the_maximum",
            "account_and_namespace_rules::denies_a_token_that_is_bound_to_a_secret",
            "account_and_namespace_rules::what_kubelets_ask_for_is_not_judged_and_what_others_ask_for_a_pod_is",
            "webhook_configuration::a_kubelet_s_request_for_a_token_does_not_wait_for_us",
            "webhook_configuration::only_what_can_refuse_or_change_fails_closed",
            "decision_table::secrets::changes_nothing_but_pods",
            "scenarios::attacks::long_lived_request::a_year_is_refused_however_it_is_asked_for",
            "scenarios::control_plane::nodes_get_the_tokens_of_their_pods_and_are_never_asked_about",
        ],
    ),
    row(
        82,
        "a namespace's label is removed or loosened: warned about, by an entry that does not select on it",
        &[
            "account_and_namespace_rules::warns_when_the_label_is_removed_or_loosened",
            "webhook_configuration::a_namespace_is_sent_when_its_policy_label_changes",
            "webhook_configuration::the_label_of_every_namespace_but_the_system_s_is_judged_by_baseline_and_fails_open",
            "scenarios::labelling::loosening_or_removing_the_label_is_warned_about_and_not_refused",
            "scenarios::attacks::label_removal::a_tenant_who_removes_the_label_is_warned_and_audited",
        ],
    ),
    row(
        83,
        "a label is set where legacy tokens exist: allowed, with one bounded sentence",
        &[
            "account_and_namespace_rules::tightening_the_label_names_the_legacy_tokens_that_pods_would_lose",
            "decision_table::secrets::labelling_is_one_short_sentence_however_many_secrets_there_are",
            "scenarios::labelling::tightening_names_the_known_legacy_tokens_and_refuses_nothing_also_in_a_dry_run",
        ],
    ),
    row(
        84,
        "a label that names no policy: warned about when it is set, restricted where it is used",
        &[
            "account_and_namespace_rules::warns_of_a_label_that_names_no_policy",
            "scenarios::labelling::a_label_that_names_no_policy_is_warned_about_when_it_is_set",
            "answers::a_label_that_names_no_policy_is_judged_as_restricted_and_the_answer_says_so",
            "scenarios::unknown_policy::it_acts_as_restricted_and_says_so",
        ],
    ),
    row(
        85,
        "no namespace where there must be one: 400",
        &[
            "decision_table::http::a_namespaced_object_without_a_namespace_is_400",
            "admission_wire::a_cluster_wide_object_needs_no_namespace",
        ],
    ),
    row(
        86,
        "no object where there must be one: 400",
        &[
            "decision_table::http::a_missing_object_is_400",
            "admission_wire::refuses_a_request_without_a_part",
            "admission_wire::refuses_an_update_without_an_old_object",
        ],
    ),
    row(
        87,
        "an unknown resource: allowed, noted and counted; a known one that does not decode: 400",
        &[
            "decision_table::http::a_known_resource_that_does_not_decode_is_400_and_an_unknown_one_is_allowed_and_counted",
            "secret_rules::allows_what_no_rule_reads_and_says_so",
            "admission_wire::refuses_a_known_object_that_does_not_decode",
        ],
    ),
    row(
        88,
        "no review, another version, broken JSON: 400",
        &[
            "decision_table::http::what_is_no_review_of_this_version_is_400",
            "serve_http::a_body_that_is_no_review_is_400_and_never_an_allow",
        ],
    ),
    row(
        89,
        "a body over the limit, 16 MiB unless set otherwise: 413",
        &[
            "decision_table::http::sixteen_mebibytes_are_taken_unless_it_is_set_otherwise_and_more_is_413",
            "serve_http::a_body_over_the_limit_is_413_whether_announced_or_not_and_the_caller_sees_it",
        ],
    ),
    row(
        90,
        "fields of a Kubernetes to come: kept",
        &["injection::keeps_fields_that_it_does_not_know", "patch_properties::holds_of_every_patch"],
    ),
    row(
        91,
        "a user without groups, uid and more: one like any other",
        &[
            "decision_table::http::a_user_without_groups_uid_or_more_is_judged_like_any",
            "admission_wire::a_user_without_groups_is_a_user",
        ],
    ),
    row(
        92,
        "a fault of ours: caught, 500, not to be tried again",
        &["tokenward::server::reviews::tests::a_panic_is_a_500_that_is_not_tried_again_and_stays_with_its_review"],
    ),
];

#[test]
fn every_row_is_there_once_and_says_its_case() {
    let numbers: Vec<usize> = ROWS.iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=ROWS_OF_THE_TABLE).collect::<Vec<_>>());
    let cases: BTreeSet<&str> = ROWS.iter().map(|row| row.case).collect();
    assert_eq!(cases.len(), ROWS.len(), "two rows have the same case");
    for row in ROWS {
        assert!(row.case.len() >= 20, "row {}: {}", row.number, row.case);
        assert!(!row.tests.is_empty(), "row {} has no test: {}", row.number, row.case);
    }
}

#[test]
fn every_test_of_the_table_exists_and_runs() {
    let running = listing::running_tests();
    for row in ROWS {
        let mut named = BTreeSet::new();
        for test in row.tests {
            assert!(running.has(test), "row {} ({}): no test {test} runs", row.number, row.case);
            assert!(named.insert(test), "row {} names {test} twice", row.number);
        }
    }
}
