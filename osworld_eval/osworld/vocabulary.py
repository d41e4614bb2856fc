"""The words of OSWorld's task files: keys, setup steps, getters and metrics, and which of them can be served here.

As of the package `desktop-env` 1.0.2 and upstream's repository of 2026-04. What is in neither is no word of OSWorld.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "DOMAINS",
    "FULL",
    "GETTERS",
    "GOOGLE",
    "IGNORED",
    "KEYS",
    "METRICS",
    "NEEDED",
    "NEWER",
    "STEPS",
    "WINDOWS",
    "Word",
    "module_of",
]

DOMAINS: Mapping[str, int] = {
    "chrome": 46, "gimp": 26, "libreoffice_calc": 47, "libreoffice_impress": 47, "libreoffice_writer": 23,
    "multi_apps": 101, "os": 24, "thunderbird": 15, "vlc": 17, "vs_code": 23,
}  # fmt: skip
"""How many tasks upstream's `test_all.json` lists for each."""
WINDOWS: Mapping[str, int] = {"excel": 11, "word": 9, "ppt": 7, "multi_app": 22}

NEEDED = ("id", "instruction", "evaluator")
"""Keys without which there is no task."""
KEYS = frozenset(
    {
        *NEEDED,
        *("snapshot", "source", "config", "trajectory", "related_apps", "proxy", "fixed_ip"),
        *("possibility_of_env_change", "hint", "env_may_change"),
    }
)
IGNORED = frozenset({"_note", "_config_note"})
"""Remarks, in an evaluator or in its options."""

GOOGLE = "needs a Google account with its credentials, which is not given to a benchmark here"
_NOT_IMPLEMENTED = "upstream declares it and does not implement it"
_NOT_EXPORTED = "upstream defines it and does not export it"
NEWER = "is newer than the package desktop-env 1.0.2, whose evaluators score"


@dataclass(frozen=True, slots=True)
class Word:
    """A setup step or a getter: what it is given, and why it cannot be served."""

    needed: frozenset[str] = frozenset()
    more: frozenset[str] | None = frozenset()
    """Further keys; None where upstream's are not known and any is taken."""
    unsupported: str = ""
    """Why it cannot be served here; empty where it can."""


def _word(needed: str = "", more: str | None = "", unsupported: str = "") -> Word:
    return Word(frozenset(needed.split()), None if more is None else frozenset(more.split()), unsupported)


_EXECUTE = _word("command", "stdout stderr shell until")
_WINDOW = _word("window_name", "strict by_class")
STEPS: Mapping[str, Word] = {
    "download": _word("files"),
    "upload_file": _word("files"),
    "launch": _word("command", "shell"),
    "open": _word("path"),
    "execute": _EXECUTE,
    "command": _EXECUTE,
    "execute_with_verification": _word("command", "verification max_wait_time check_interval shell"),
    "sleep": _word("seconds"),
    "activate_window": _WINDOW,
    "close_window": _WINDOW,
    "change_wallpaper": _word("path"),
    "chrome_open_tabs": _word("urls_to_open"),
    "chrome_close_tabs": _word("urls_to_close"),
    "googledrive": _word("settings_file operation args", unsupported=GOOGLE),
    "login": _word("settings_file platform", unsupported=GOOGLE),
    "update_browse_history": _word("history"),
    "proxy": _word("", "client_password"),
    "tidy_desktop": _word(more=None, unsupported=_NOT_IMPLEMENTED),
    "act": _word(more=None, unsupported=_NOT_IMPLEMENTED),
    "replay": _word(more=None, unsupported=_NOT_IMPLEMENTED),
}

_DEST = _word("dest")
_NONE = _word()
GETTERS: Mapping[str, Word] = {
    "vm_file": _word("path dest", "multi gives time_suffix time_format"),
    "cloud_file": _word("path dest", "multi gives"),
    "cache_file": _word("path"),
    "content_from_vm_file": _word("path file_type file_content"),
    "vm_command_line": _word("command", "shell"),
    "vm_command_error": _word("command", "shell"),
    "vm_terminal_output": _NONE,
    "rule": _word("rules"),
    "rule_relativeTime": _word("rules"),
    "accessibility_tree": _NONE,
    "time_diff_range": _word("diff_range_in_minutes"),
    "vm_screen_size": _NONE,
    "vm_window_size": _word("app_class_name"),
    "vm_wallpaper": _DEST,
    "list_directory": _word("path"),
    "vlc_playing_info": _DEST,
    "vlc_config": _DEST,
    "default_video_player": _word("", None),
    "vscode_config": _word("vscode_extension_command path dest"),
    "gimp_config_file": _word("file_name dest"),
    "audio_in_slide": _word("ppt_file_path slide_index dest"),
    "background_image_in_slide": _word("ppt_file_path slide_index dest"),
    "conference_city_in_order": _word("csv_path", unsupported="reads a closed file of the scoring machine: it breaks"),
    "replay": _word("", None),
    "default_search_engine": _NONE,
    "cookie_data": _DEST,
    "bookmarks": _word("", None),
    "history": _DEST,
    "enabled_experiments": _NONE,
    "chrome_language": _NONE,
    "chrome_font_size": _NONE,
    "chrome_color_scheme": _word("", None, f"`chrome_color_scheme` {NEWER}"),
    "chrome_appearance_mode_ui": _word("", None, f"`chrome_appearance_mode_ui` {NEWER}"),
    "profile_name": _NONE,
    "enable_do_not_track": _NONE,
    "enable_enhanced_safety_browsing": _NONE,
    "enable_safe_browsing": _NONE,
    "new_startup_page": _NONE,
    "find_unpacked_extension_path": _NONE,
    "find_installed_extension_name": _NONE,
    "data_delete_automacally": _NONE,
    "shortcuts_on_desktop": _NONE,
    "extensions_installed_from_shop": _word("", None, _NOT_EXPORTED),
    "chrome_saved_address": _word("", None, _NOT_EXPORTED),
    "open_tabs_info": _NONE,
    "active_tab_info": _word("", "goto_prefix"),
    "active_url_from_accessTree": _word("", "goto_prefix"),
    "active_tab_html_parse": _word(
        "category",
        "goto_prefix class_singleObject class_multiObject class_multiObject_child class_multiObject_only_child "
        "class_multiObject_li class_multiObject_search_exist labelObject xpathObject inputObject "
        "url_include_expected url_include_expected_multichoice",
    ),
    "active_tab_url_parse": _word("parse_keys", "goto_prefix replace split_list"),
    "url_dashPart": _word("partIndex needDeleteId returnType", "goto_prefix key"),
    "url_path_parse": _word("parse_keys", None),
    "macys_product_url_parse": _word("parse_keys", None),
    "page_info": _word("url"),
    "pdf_from_url": _word("path dest"),
    "number_of_search_results": _word("", None),
    "info_from_website": _word("url infos", "backups"),
    "gotoRecreationPage_and_get_html_content": _word("selector class", "order"),
    "googledrive_file": _word("settings_file dest", "path path_list query query_list", GOOGLE),
}

FULL = frozenset(
    {
        *("compare_archive", "compare_pdfs", "compare_pdf_images", "evaluate_colored_words_in_tables"),
        *("check_structure_sim", "check_structure_sim_resized", "check_structure_sim_with_threshold", "check_sharper"),
        *("check_contrast_increase_and_structure_sim", "check_saturation_increase_and_structure_sim"),
        *("check_palette_and_structure_sim", "check_file_exists_and_structure_sim", "check_image_mirror"),
        *("compare_triangle_positions", "compare_images", "compare_audios", "compare_videos"),
    }
)
"""Metrics that call on packages of the full scoring set; the light one serves all others. `compare_archive` does so for
some kinds of files alone."""
_METRICS = {
    "basic_os": "check_gnome_favorite_apps is_utc_0 check_text_enlarged check_moved_jpgs is_in_vm_clickboard",
    "chrome": "is_expected_active_tab is_expected_active_tab_approximate is_expected_url_pattern_match "
    "is_expected_installed_extensions is_expected_tabs is_expected_bookmarks is_expected_search_query compare_pdfs "
    "compare_pdf_images compare_archive compare_htmls is_cookie_deleted is_shortcut_on_desktop check_history_deleted "
    "check_enabled_experiments check_font_size is_added_to_steam_cart",
    "docs": "compare_docx_files compare_docx_files_and_ignore_new_lines compare_docx_lines compare_init_lines "
    "compare_docx_tables compare_docx_images compare_image_text compare_line_spacing compare_insert_equation "
    "compare_font_names compare_subscript_contains has_page_numbers_in_footers is_first_line_centered "
    "check_file_exists check_tabstops compare_contains_image evaluate_colored_words_in_tables check_highlighted_words "
    "evaluate_strike_through_last_paragraph evaluate_conversion evaluate_spacing check_italic_font_size_14 "
    "evaluate_alignment get_unique_train_ids check_no_duplicates compare_unique_train_records "
    "compare_highlighted_text compare_references contains_page_break find_default_font",
    "general": "check_include_exclude exact_match match_in_list is_in_list literal_match fuzzy_match fuzzy_place_math "
    "check_csv check_list check_accessibility_tree run_sqlite3 check_json check_direct_json_object "
    "compare_time_in_speedtest_results is_included_all_json_objects is_gold_text_included_in_pdf check_line_number "
    "file_contains compare_terminal_and_txt compare_python_pure_text diff_text_file",
    "gimp": "check_structure_sim check_structure_sim_resized check_structure_sim_with_threshold "
    "check_brightness_decrease_and_structure_sim check_contrast_increase_and_structure_sim "
    "check_saturation_increase_and_structure_sim check_palette_and_structure_sim check_file_exists_and_structure_sim "
    "check_image_size check_image_file_size check_image_mirror check_textbox_on_leftside check_green_background "
    "check_triangle_position compare_triangle_positions check_config_status compare_image_list increase_saturation "
    "decrease_brightness check_sharper",
    "libreoffice": "check_libre_locale",
    "others": "compare_epub check_mp3_meta",
    "pdf": "check_pdf_pages",
    "slides": "compare_pptx_files check_presenter_console_disable check_image_stretch_and_center "
    "check_slide_numbers_color check_strikethrough check_slide_orientation_Portrait "
    "evaluate_presentation_fill_to_rgb_distance check_left_panel check_transition check_page_number_colors "
    "check_auto_saving_time",
    "table": "compare_table compare_csv compare_conference_city_in_order",
    "thunderbird": "check_thunderbird_prefs check_thunderbird_filter check_thunderbird_folder",
    "vlc": "is_vlc_playing is_vlc_recordings_folder is_vlc_fullscreen compare_images compare_audios compare_videos "
    "check_qt_bgcone check_qt_minimal_view check_qt_max_volume check_qt_slider_colours check_global_key_play_pause "
    "check_one_instance_when_started_from_file check_play_and_exit",
    "vscode": "compare_text_file compare_config compare_answer compare_result_files is_extension_installed "
    "check_json_settings check_json_keybindings check_python_file_by_test_suite check_python_file_by_gold_file "
    "check_html_background_image compare_zip_files",
}
METRICS: Mapping[str, str] = {name: module for module, names in _METRICS.items() for name in names.split()}
"""Names of metrics and the modules they live in. `infeasible` is none: it looks at the last act alone."""
NEWER_METRICS = frozenset({"check_structure_sim_with_threshold", "check_play_and_exit"})
UNSERVED_METRICS: Mapping[str, str] = {
    "compare_image_text": "needs easyocr, which is in no set: it brings torch, and fetches its weights while it runs",
    "check_python_file_by_gold_file": "has no body in desktop-env 1.0.2, and so gives no score",
}
"""Metrics that no set of scoring packages can serve, and why."""


def module_of(metric: str) -> str | None:
    """The module of a metric; None for a name that upstream does not know."""
    return METRICS.get(metric)


__all__ += ["NEWER_METRICS", "UNSERVED_METRICS"]
