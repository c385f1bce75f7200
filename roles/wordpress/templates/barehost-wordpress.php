<?php
/*
 * Brings one WordPress to the state that a file of JSON asks for, with nothing but WordPress's own functions.
 * barehost.web.wordpress runs it as the user of the installation: php barehost-wordpress.php STEP FILE
 *
 *   install    makes the tables and the first user, or brings the tables to the version of the code
 *   compare    tells whether any of both would have anything to do; an installed WordPress only can tell
 *   configure  compares settings, plugins, theme and password, and changes what differs
 *   cron       does what WordPress has scheduled
 *
 * The last line that it prints is JSON: what was changed, or would be, and why it ended.
 */

declare(strict_types=1);

[, $step, $file] = $argv;
$wanted = json_decode(file_get_contents($file), true, 512, JSON_THROW_ON_ERROR);
$url = parse_url($wanted['url']);
$_SERVER['SERVER_SOFTWARE'] = 'nginx';
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
$_SERVER['REQUEST_METHOD'] = 'GET';
$_SERVER['REQUEST_URI'] = ($url['path'] ?? '') . '/';
$_SERVER['HTTP_HOST'] = $_SERVER['SERVER_NAME'] = $url['host'] . (isset($url['port']) ? ":{$url['port']}" : '');
$_SERVER['REMOTE_ADDR'] = '127.0.0.1';
if ($url['scheme'] === 'https') {
    $_SERVER['HTTPS'] = 'on';
}
if ($step === 'install') {
    define('WP_INSTALLING', true);
} elseif ($step === 'cron') {
    define('DOING_CRON', true);
}

$answer = ['changed' => []];
// WordPress ends the process where it sees no way on.
register_shutdown_function(static function () use (&$answer): void {
    $said = trim(strip_tags((string) ob_get_contents()));
    while (ob_get_level()) {
        ob_end_clean();
    }
    if (!isset($answer['done'])) {
        $answer['failed'] = $said === '' ? (error_get_last()['message'] ?? 'it ended without a word') : $said;
    }
    echo "\n", json_encode($answer, JSON_INVALID_UTF8_SUBSTITUTE), "\n";
});
ob_start();

if (!function_exists('wp_new_blog_notification')) {
    /** WordPress would mail the password of the first user. */
    function wp_new_blog_notification($blog_title, $blog_url, $user_id, $password): void
    {
    }
}

require $wanted['code'] . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';

function note(string $what, callable $change): void
{
    global $answer, $wanted;
    $answer['changed'][] = $what;
    if (!$wanted['check']) {
        $change();
    }
}

function install(array $wanted): void
{
    global $wpdb, $wp_db_version;
    if ($wanted['fresh'] && !$wanted['check']) {
        // What a killed installation has left behind, never anybody's content.
        foreach ($wpdb->get_col("SHOW TABLES LIKE '" . $wpdb->esc_like($wpdb->prefix) . "%'") as $table) {
            $wpdb->query("DROP TABLE `$table`");
        }
        wp_cache_flush();
    }
    // It would ask itself over the network whether its addresses work, and nobody serves it yet.
    add_filter('pre_http_request', static fn () => new WP_Error('closed', 'nobody is asked during an installation'));
    if ($wanted['fresh'] || !is_blog_installed()) {
        note('install WordPress', static fn () => wp_install(
            wp_slash($wanted['title']),
            $wanted['admin']['user'],
            $wanted['admin']['email'],
            $wanted['public'],
            '',
            wp_slash($wanted['admin']['password']),
            $wanted['language'],
        ));
        return;
    }
    $tables = (int) get_option('db_version');
    if ($tables > $wp_db_version) {
        throw new RuntimeException("its tables are those of a newer WordPress ($tables, the code is for $wp_db_version)");
    }
    if ($tables < $wp_db_version) {
        note("bring the tables from version $tables to $wp_db_version", static fn () => wp_upgrade());
    } elseif ($missing = missing_tables()) {
        note('make the missing tables ' . implode(', ', $missing), static fn () => make_db_current_silent());
    }
}

function missing_tables(): array
{
    global $wpdb;
    $there = $wpdb->get_col("SHOW TABLES LIKE '" . $wpdb->esc_like($wpdb->prefix) . "%'");
    return array_diff(array_values($wpdb->tables()), $there);
}

function same(mixed $one, mixed $other): bool
{
    // WordPress keeps numbers and truth as texts.
    return is_scalar($one) && is_scalar($other) ? (string) $one === (string) $other : $one === $other;
}

function options(array $wanted): void
{
    $options = [
        'blogname' => $wanted['title'],
        'admin_email' => $wanted['admin']['email'],
        'WPLANG' => $wanted['language'] === 'en_US' ? '' : $wanted['language'],
        'timezone_string' => $wanted['timezone'],
        'blog_public' => (int) $wanted['public'],
        'home' => $wanted['url'],
        'siteurl' => $wanted['url'],
        ...$wanted['options'],
    ];
    // Constants have a say in these, after which nothing would seem to change.
    remove_filter('option_home', '_config_wp_home');
    remove_filter('option_siteurl', '_config_wp_siteurl');
    foreach ($options as $name => $value) {
        // Not get_option(), which constants and filters have a say in.
        $now = wp_load_alloptions()[$name] ?? maybe_serialize(get_option($name, null));
        if (!same(maybe_unserialize($now), $value) && !same(maybe_unserialize($now), sanitize_option($name, $value))) {
            note("set option $name", static fn () => update_option($name, $value));
        }
    }
}

function permalinks(array $wanted): void
{
    global $wp_rewrite;
    if (get_option('permalink_structure') !== $wanted['permalinks']) {
        note('set permalinks', static function () use ($wp_rewrite, $wanted): void {
            $wp_rewrite->init();
            $wp_rewrite->set_permalink_structure($wanted['permalinks']);
            $wp_rewrite->flush_rules(false);
        });
    }
}

function theme(array $wanted): void
{
    $active = get_option('stylesheet');
    $theme = $wanted['theme'];
    if ($theme === '' && (in_array($active, $wanted['leaving'], true) || !wp_get_theme($active)->exists())) {
        // The newest that comes with this WordPress.
        $theme = WP_Theme::get_core_default_theme()?->get_stylesheet() ?: $active;
    }
    if ($theme !== '' && $theme !== $active) {
        // What is to be added is not there yet when somebody only asks what would be.
        if (!$wanted['check'] && !wp_get_theme($theme)->exists()) {
            throw new RuntimeException("there is no theme '$theme'");
        }
        note("switch to theme $theme", static fn () => switch_theme($theme));
    }
}

function plugins(array $wanted): void
{
    $files = [];
    foreach (array_keys(get_plugins()) as $file) {
        $files[explode('/', $file)[0]] = $file;
    }
    $active = (array) get_option('active_plugins', []);
    foreach ($wanted['plugins'] as $name) {
        $file = $files[$name] ?? ($wanted['check'] ? "$name/" : throw new RuntimeException("there is no plugin '$name'"));
        if (!in_array($file, $active, true)) {
            note("activate plugin $name", static function () use ($file): void {
                $result = activate_plugin($file);
                if (is_wp_error($result)) {
                    throw new RuntimeException($result->get_error_message());
                }
            });
        }
    }
    $gone = array_filter($active, static fn ($file) => !in_array(explode('/', $file)[0], $wanted['plugins'], true));
    foreach ($gone as $file) {
        note('deactivate plugin ' . explode('/', $file)[0], static fn () => deactivate_plugins($file));
    }
}

function password(array $wanted): void
{
    $user = get_user_by('login', $wanted['admin']['user']);
    if (!$user) {
        note("make user {$wanted['admin']['user']}", static fn () => wp_insert_user([
            'user_login' => $wanted['admin']['user'],
            'user_email' => $wanted['admin']['email'],
            'user_pass' => $wanted['admin']['password'],
            'role' => 'administrator',
        ]));
    } elseif ($wanted['keep_password'] && !wp_check_password($wanted['admin']['password'], $user->user_pass, $user->ID)) {
        note("set the password of {$wanted['admin']['user']}", static fn () => wp_set_password(
            $wanted['admin']['password'],
            $user->ID,
        ));
    }
}

try {
    if ($step === 'install') {
        install($wanted);
    } elseif ($step === 'configure' || $step === 'compare') {
        if ($step === 'compare' && ((int) get_option('db_version') !== $wp_db_version || missing_tables())) {
            note('bring the tables to their version', static fn () => null);
        }
        options($wanted);
        permalinks($wanted);
        theme($wanted);
        plugins($wanted);
        password($wanted);
    } else {
        // It ends the process.
        $answer['done'] = true;
        require ABSPATH . 'wp-cron.php';
    }
    $answer['version'] = $GLOBALS['wp_version'];
    $answer['done'] = true;
} catch (RuntimeException $error) {
    $answer['done'] = true;
    $answer['failed'] = $error->getMessage();
}
