<?php
// Counters for PHP's built-in server, which keeps nothing in memory: in files of the directory COUNTS.
$parts = explode('/', parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
header('Content-Type: application/json');
if ($_SERVER['REQUEST_METHOD'] !== 'POST' || ($parts[4] ?? '') !== 'add') {
    http_response_code(404);
    exit;
}
$file = fopen(getenv('COUNTS') . '/' . intval($parts[2]), 'c+');
flock($file, LOCK_EX);
$count = intval(stream_get_contents($file)) + 1;
rewind($file);
fwrite($file, strval($count));
fclose($file);
echo json_encode(['count' => $count, 'epoch' => intval($_SERVER['HTTP_RINGSIDE_EPOCH']), 'pid' => getmypid()]);
