/* The main of a harness when it runs as an ordinary test: every file of a folder once. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int run_file(const char *folder, const char *name)
{
    static uint8_t bytes[1 << 20];
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (!file)
        return perror(path), 0;
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);

    printf("%s: %zu bytes\n", name, size);
    fflush(stdout);
    LLVMFuzzerTestOneInput(bytes, size);
    return 1;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (!folder)
        return fprintf(stderr, "usage: %s FOLDER\n", argv[0]), EXIT_FAILURE;
    int files = 0;
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.')
            files += run_file(argv[1], entry->d_name);
    closedir(folder);
    printf("%d files\n", files);
    return files ? EXIT_SUCCESS : EXIT_FAILURE;
}
