#!/bin/sh
# archives.sh FOLDER: make archives as wordpress.org does, of the WordPresses that the two Debians have.
set -eu
folder=$1
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
cd "$folder"

mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1 | tr -d ' ')
for suite in bookworm trixie; do
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
done >sources.list

get() {
    apt-get -qq -o APT::Sandbox::User=root -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=- \
        -o Dir::State::lists="$folder/lists" -o Dir::Cache="$folder/cache" "$@"
}

get update
for suite in bookworm trixie; do
    set -- wordpress wordpress-theme-twentytwentythree libjs-cropper libjs-underscore php-getid3
    [ $suite = bookworm ] || set -- "$@" wordpress-theme-twentytwentyfive libjs-lodash
    mkdir -p $suite/packages
    for package; do (cd $suite/packages && get download "$package/$suite"); done
    for package in "$suite"/packages/*.deb; do dpkg-deb -x "$package" $suite; done
    # Debian has links to files of other packages there, and a way of its own to find the settings.
    tar -chzf $suite.tar.gz -C $suite/usr/share --exclude=wordpress/.htaccess --exclude=wordpress/wp-config.php wordpress
    rm -r $suite
done
rm -r lists cache
