/* SPDX-License-Identifier: MIT
 * The demo's picture: a row per layer, loads before on the left and after on the right, one scale for all. */
#include "demo_report.h"

#include <math.h>

#define COLOR_WITHIN "#7d93ad"
#define COLOR_OVER "#d9542b"
#define COLOR_AFTER "#2a7f62"
#define COLOR_CAPACITY "#1d2733"

/* Pixels. */
enum { WIDTH = 960, TOP = 124, ROW = 190, PLOT_HEIGHT = 122, PLOT_WIDTH = 392, LEFT = 68, RIGHT = 540, BOTTOM = 6 };

struct plot {
    FILE *to;
    double x, y;                /* upper left corner                              */
    double most;                /* load at the upper edge                         */
};

static double plot_height(const struct plot *p, double load)
{
    return load / p->most * PLOT_HEIGHT;
}

static void put_text(FILE *to, double x, double y, const char *attributes, const char *text)
{
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
    for (; *text != '\0'; text++)
        switch (*text) {
        case '&': fputs("&amp;", to); break;
        case '<': fputs("&lt;", to); break;
        default: fputc(*text, to);
        }
    fputs("</text>\n", to);
}

/* A step of 1, 2 or 5 times a power of ten that gives three to six lines. */
static double nice_step(double most)
{
    double step = pow(10.0, floor(log10(fmax(most, 1.0) / 3.0)));
    if (most / step > 15.0)
        step *= 5.0;
    else if (most / step > 6.0)
        step *= 2.0;
    return fmax(step, 1.0);
}

static void plot_frame(const struct plot *p, const char *axis_label)
{
    char text[32];
    double step = nice_step(p->most);
    for (double load = 0.0; load <= p->most; load += step) {
        double y = p->y + PLOT_HEIGHT - plot_height(p, load);
        fprintf(p->to, "<path d=\"M%.1f %.1fh%d\" stroke=\"%s\"/>\n", p->x, y, PLOT_WIDTH,
                load > 0.0 ? "#e6e9ed" : "#9aa5b1");
        snprintf(text, sizeof text, "%.0f", load);
        put_text(p->to, p->x - 7, y + 4, "class=\"t\" text-anchor=\"end\"", text);
    }
    fprintf(p->to, "<text transform=\"translate(%.1f %.1f) rotate(-90)\" class=\"t\" text-anchor=\"middle\">%s"
            "</text>\n", p->x - 46, p->y + PLOT_HEIGHT / 2.0, axis_label);
}

static void plot_bar(const struct plot *p, double x, double width, double from, double to, const char *color)
{
    if (to > from)
        fprintf(p->to, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\"/>\n", x,
                p->y + PLOT_HEIGHT - plot_height(p, to), width, plot_height(p, to - from), color);
}

static void plot_loads(const struct plot *p, const struct demo_layer *l, const int32_t *load, int64_t experts,
                       const char *color)
{
    const double pitch = (double)PLOT_WIDTH / (double)experts, width = pitch > 3.0 ? pitch * 0.8 : pitch;
    const double capacity = (double)l->capacity;
    for (int64_t e = 0; e < experts; e++) {
        double x = p->x + ((double)e + 0.5) * pitch - width / 2;
        plot_bar(p, x, width, 0.0, fmin(load[e], capacity), color);
        plot_bar(p, x, width, capacity, load[e], COLOR_OVER);
    }
    fprintf(p->to, "<path d=\"M%.1f %.2fh%d\" stroke=\"%s\" stroke-width=\"1.4\" stroke-dasharray=\"5 3\"/>\n", p->x,
            p->y + PLOT_HEIGHT - plot_height(p, capacity), PLOT_WIDTH, COLOR_CAPACITY);
}

static void put_legend(FILE *to, double x, double y)
{
    static const struct { const char *color, *text; double width; } entries[] = {
        {COLOR_WITHIN, "greedy, within capacity", 188}, {COLOR_OVER, "over capacity", 126},
        {COLOR_AFTER, "Spinroute", 104}};
    for (int i = 0; i < 3; i++) {
        fprintf(to, "<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"12\" rx=\"2\" fill=\"%s\"/>\n", x, y - 10,
                entries[i].color);
        put_text(to, x + 18, y, "class=\"l\"", entries[i].text);
        x += entries[i].width;
    }
    fprintf(to, "<path d=\"M%.1f %.1fh22\" stroke=\"%s\" stroke-width=\"1.4\" stroke-dasharray=\"5 3\"/>\n", x, y - 4,
            COLOR_CAPACITY);
    put_text(to, x + 28, y, "class=\"l\"", "capacity of an expert");
}

static void put_head(const struct demo *d, FILE *to, int height)
{
    char text[200];
    fprintf(to, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
            "font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\" fill=\"%s\" role=\"img\">\n", WIDTH, height,
            WIDTH, height, COLOR_CAPACITY);
    fputs("<title>Tokens per expert, greedy routing and Spinroute</title>\n"
          "<style>.h{font-size:21px;font-weight:bold}.s{font-size:13px;fill:#4b5866}.l{font-size:13px}"
          ".t{font-size:11px;fill:#5b6876}</style>\n"
          "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n", to);
    snprintf(text, sizeof text, "Tokens per expert: greedy top-%d and Spinroute", (int)d->k);
    put_text(to, 28, 38, "class=\"h\"", text);
    snprintf(text, sizeof text, "Router logits of %s: %d experts, batches of %d tokens. Shown: each layer's most "
             "uneven batch.", d->name, (int)d->experts, (int)d->batch);
    put_text(to, 28, 62, "class=\"s\"", text);
    put_legend(to, 28, 90);
}

static void put_panel_title(const struct plot *p, const char *router, int layer, const struct demo_layer *l,
                            const int32_t *load, const struct demo *d)
{
    const double mean = (double)(l->tokens * d->k) / (double)d->experts;
    int64_t over = 0, most = 0;
    for (int64_t e = 0; e < d->experts; e++) {
        over += load[e] > l->capacity ? load[e] - l->capacity : 0;
        most = load[e] > most ? load[e] : most;
    }
    fprintf(p->to, "<text x=\"%.1f\" y=\"%.1f\" class=\"l\"><tspan font-weight=\"bold\">Layer %d, %s</tspan>", p->x,
            p->y - 12, layer, router);
    fprintf(p->to, "<tspan class=\"s\" dx=\"10\">peak %.2f x the mean, %lld routes over</tspan></text>\n",
            (double)most / mean, (long long)over);
}

static void put_layer(const struct demo *d, int64_t index, FILE *to, double most)
{
    const struct demo_layer *l = &d->layer[index];
    const double y = TOP + (double)index * ROW;
    struct plot left = {to, LEFT, y + 24, most}, right = {to, RIGHT, y + 24, most};
    put_panel_title(&left, "greedy", (int)index, l, l->greedy_load, d);
    put_panel_title(&right, "Spinroute", (int)index, l, l->load, d);
    plot_frame(&left, "tokens per expert");
    plot_frame(&right, "tokens per expert");
    plot_loads(&left, l, l->greedy_load, d->experts, COLOR_WITHIN);
    plot_loads(&right, l, l->load, d->experts, COLOR_AFTER);
    put_text(to, LEFT + PLOT_WIDTH / 2.0, y + 24 + PLOT_HEIGHT + 18, "class=\"t\" text-anchor=\"middle\"",
             "experts, most loaded by greedy first");
    put_text(to, RIGHT + PLOT_WIDTH / 2.0, y + 24 + PLOT_HEIGHT + 18, "class=\"t\" text-anchor=\"middle\"",
             "the same experts, in the same order");
}

int demo_write_svg(const struct demo *d, const char *path)
{
    FILE *to = fopen(path, "w");
    double most = 1.0;
    if (to == NULL)
        return -1;
    for (int64_t i = 0; i < d->layers; i++)
        most = fmax(most, fmax(d->layer[i].greedy_load[0], (double)d->layer[i].capacity) * 1.04);
    put_head(d, to, TOP + (int)d->layers * ROW + BOTTOM);
    for (int64_t i = 0; i < d->layers; i++)
        put_layer(d, i, to, most);
    fputs("</svg>\n", to);
    int failed = ferror(to);
    return fclose(to) != 0 || failed ? -1 : 0;
}
