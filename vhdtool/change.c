#include "vhdtool/change.h"

#include "base/cleanup.h"
#include "image-format/disk.h"
#include "image-format/file.h"
#include "image-format/image.h"

static int finish_earlier(const struct change_request *request, struct disk *disk,
                          struct change_report *report, struct error *error)
{
    if (request->dry_run)
        return 0;
    if (image_finish(disk, &report->begun, error))
        return -1;
    if (report->begun)
        change_say(request, "a change that was interrupted is finished now");
    return 0;
}

struct disk *change_open(const struct change_request *request, struct file *file,
                         struct change_report *report, struct error *error)
{
    CLEANUP(cleanup_disk) struct disk *disk = NULL;

    if (file_lock(file, error)) {
        file_close(file);
        return NULL;
    }
    if (request->dry_run)
        file = file_overlay_new(file, error);
    disk = file ? image_open(file, error) : NULL;
    if (!disk || finish_earlier(request, disk, report, error))
        return NULL;
    return TAKE(disk);
}

void change_say(const struct change_request *request, const char *what)
{
    if (request->say)
        request->say(what, request->say_context);
}
