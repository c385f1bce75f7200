<?php
// What the tests ask a pool to do.
header('Content-Type: application/json');
$given = $_GET + ['do' => '', 'path' => '', 'seconds' => '0'];
$answer = match ($given['do']) {
    'who' => posix_getpwuid(posix_geteuid())['name'],
    'process' => getmypid(),
    'settings' => ini_get_all(null, false),
    'extensions' => get_loaded_extensions(),
    'variable' => getenv($given['path']),
    'version' => PHP_MAJOR_VERSION . '.' . PHP_MINOR_VERSION,
    'read' => @file_get_contents($given['path']),
    'write' => @file_put_contents($given['path'], "written\n"),
    'upload' => array_map(fn ($file) => [$file['error'], $file['size'], dirname($file['tmp_name'])], $_FILES),
    'pattern' => preg_match('/^(a+)+b?$/', str_repeat('a', 20)),
    'cache' => opcache_get_status(false)['opcache_enabled'],
    'wait' => usleep((int) ((float) $given['seconds'] * 1000000)),
    'complain' => trigger_error('the shelf is empty', E_USER_WARNING),
    'limit' => ini_set($given['path'], '1024M'),
};
echo json_encode($answer);
