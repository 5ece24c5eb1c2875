<?php
$context = stream_context_create(['http' => ['timeout' => 8, 'ignore_errors' => true]]);
$body = @file_get_contents($argv[1], false, $context);
echo $body === false ? 'error ' . error_get_last()['message'] : 'status ' . explode(' ', $http_response_header[0])[1], "\n";
